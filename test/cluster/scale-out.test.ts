/**
 * Scale-out: one scheduler and five workers on one Redis and one store, killed and stopped at random while hundreds of
 * connections are due at once, and due again. The providers' ledger says how often each was refreshed.
 *
 * `SCALE_SEED` draws another run, `SCALE_CONNECTIONS` another size.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/random.ts';
import { comeToRest, settle } from '../faults/processes/rest.ts';
import { createTally } from '../faults/processes/tally.ts';
import { until } from '../faults/processes/within.ts';
import { createWorld, type FaultWorld, type KindName, kinds, requestLimitMs } from '../faults/processes/world.ts';
import { type Fleet, startFleet } from '../support/scale-fleet.ts';
import { type Due, judgeOnce } from '../support/scale-judge.ts';
import { day, documentOf, rigClient } from '../support/world.ts';

const seed = Number(process.env.SCALE_SEED ?? 1);
const connections = Number(process.env.SCALE_CONNECTIONS ?? 240);
const rounds = 2;
/** Ends of processes in a round, and how long they may go on. */
const strikesPerRound = 16;
const strikesMsMax = 35_000;
const coolDownMsMax = 120_000;
const wholeMsMax = 600_000;

/** Where a second try brings the successor: nothing whatever may be lost. */
const forgiving = ['grace', 'familyGrace', 'kept'] as const satisfies readonly KindName[];
const ids = Array.from({ length: connections }, (_, place) => `customers/${String(place).padStart(4, '0')}`);
const kindOf = (place: number): KindName => forgiving[place % forgiving.length] as KindName;

/** The same customer's connection is due again: a consent of a life that is half over. */
function fallDueAgain(world: FaultWorld, connection: string, kind: KindName): void {
  const { provider, scope, rules } = kinds[kind];
  const refreshedAt = Date.now() - 25 * day;
  const asked = { provider, connection, client: rigClient, scope, rules };
  const held = world.sandbox.grants.create({ ...asked, consentedAt: refreshedAt - 25 * day, refreshedAt });
  world.double.secrets.put(connection, JSON.stringify(documentOf(provider, held)));
}

/** What was shown for each consent, in the order of the consents. */
function duesOf(world: FaultWorld): readonly Due[] {
  return ids.flatMap((connection) => {
    const byGrant = Map.groupBy(world.sandbox.oracle.presentations(connection), ({ grant }) => grant);
    const shown = [...byGrant.values()];
    return Array.from({ length: rounds }, (_, round) => ({ connection, round: round + 1, shown: shown[round] ?? [] }));
  });
}

describe(`one scheduler and five workers, killed and stopped at random (seed ${seed})`, () => {
  const tally = createTally();
  const random = seededRandom(seed);
  const took: number[] = [];
  let world: FaultWorld;
  let fleet: Fleet;
  let slowWrites: { fired(): number } | undefined;
  let wrongFarewells: readonly string[] = [];

  async function liveRound(round: number): Promise<void> {
    const startedMs = performance.now();
    // A connection that was refreshed a moment ago cools down for a minute: until then there is nothing to strike.
    const before = world.sandbox.oracle.refreshes();
    if (!(await until(() => world.sandbox.oracle.refreshes() > before, coolDownMsMax)))
      throw new Error(`nobody began to refresh in round ${round}`);
    const strikesFromMs = performance.now();
    for (let struck = 0; struck < strikesPerRound && performance.now() - strikesFromMs < strikesMsMax; struck++)
      await fleet.strike(random);
    const left = await settle({ world, chronicle: fleet.chronicle, named: { tally, replay: `SCALE_SEED=${seed}` } });
    if (left.length > 0) throw new Error(`not at rest: ${left.map(({ why }) => why).join('; ')}`);
    took.push(Math.round((performance.now() - startedMs) / 1_000));
  }

  beforeAll(async () => {
    world = await createWorld({ seed });
    // Drawn apart from the strikes: how many requests come between two of these would decide who is struck.
    const latency = seededRandom(seed);
    world.front.latency(() => 150 + 500 * latency.fraction());
    // So slow that kills find answers which are sealed and not yet written.
    slowWrites = world.double.faults.add({
      op: 'PutSecretValue',
      times: Number.POSITIVE_INFINITY,
      what: { delayMs: 600 },
    });
    for (const [place, id] of ids.entries()) world.connect(id, kindOf(place));
    fleet = startFleet(world);
    await liveRound(1);
    for (const [place, id] of ids.entries()) fallDueAgain(world, id, kindOf(place));
    await liveRound(2);
    await comeToRest({ world, chronicle: fleet.chronicle, named: { tally, replay: `SCALE_SEED=${seed}` } });
    wrongFarewells = await fleet.farewells();
    const { once, again } = judgeOnce(duesOf(world), fleet.chronicle.excuses, requestLimitMs);
    const figures = { seed, connections, rounds, seconds: took, ...fleet.counts(), once, again };
    process.stdout.write(`scale-out: ${JSON.stringify(figures)}\n`);
  }, wholeMsMax);
  afterAll(() => world?.close());

  test('processes of both roles ended in the middle of their work', () => {
    const { kills, schedulerKills, stops, interrupted, sealed } = fleet.counts();
    expect(kills).toBeGreaterThanOrEqual(5);
    expect(schedulerKills).toBeGreaterThanOrEqual(1);
    expect(stops).toBeGreaterThanOrEqual(3);
    expect(interrupted).toBeGreaterThanOrEqual(3);
    expect(sealed).toBeGreaterThanOrEqual(1);
    expect(slowWrites?.fired()).toBeGreaterThanOrEqual(rounds * connections);
    const ended = world.workers.filter((worker) => !worker.alive()).map(({ name }) => name.split('-')[0]);
    expect(new Set(ended)).toEqual(new Set(['scheduler', 'worker']));
  });

  test('every due connection was refreshed exactly once, but for answers that died with their process', () => {
    const found = judgeOnce(duesOf(world), fleet.chronicle.excuses, requestLimitMs);
    expect(found).toMatchObject({ missed: [], twice: [], refused: [] });
    expect(found.once + found.again).toBe(rounds * connections);
    // A second try for every rotation that was interrupted would be no protocol, only luck.
    expect(found.again).toBeLessThanOrEqual(fleet.counts().interrupted);
  });

  test('the store holds the provider’s live token of every connection', () => {
    const held = ids.filter((id) => world.document(id).refresh_token === world.sandbox.oracle.liveToken(id));
    expect(held).toHaveLength(connections);
  });

  test('no token was lost or spent twice, no family revoked, nobody asked for a new consent, nothing leaked', () => {
    expect(tally.failures).toEqual([]);
    const { lostTokens, doubleSpends, windowLosses, falseReconsents, silentDeaths, canaryLeaks } = tally.counts;
    expect({ lostTokens, doubleSpends, windowLosses, falseReconsents, silentDeaths, canaryLeaks }).toEqual({
      lostTokens: 0,
      doubleSpends: 0,
      windowLosses: 0,
      falseReconsents: 0,
      silentDeaths: 0,
      canaryLeaks: 0,
    });
  });

  test('who was told to stop ended by itself, with code 0 and an empty spool', () =>
    expect(wrongFarewells).toEqual([]));
});
