/**
 * A provider written by others, where a refresh token shown twice ends the grant: workers are killed at aimed points, and
 * grants that died are counted; beside it the loop most people run, killed at the same points of the same rotations.
 */
import { createPaint } from '../../src/cli/paint.ts';
import { table } from '../../src/cli/table.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { planKills, points } from './peer/kills.ts';
import { type NaiveRun, refreshNaively } from './peer/naive.ts';
import { type OurRun, refreshByPilotlight } from './peer/ours.ts';
import { startPeer } from './peer/server.ts';
import type { Failure, Suite, SuiteOptions } from './suite.ts';

/** Rounds in which workers die; one more shows who lives. */
const rounds = 2;
/** Of the rotations of a round. */
const share = 0.5;

export const suite: Suite = {
  name: 'peer',
  async run(options) {
    const grants = options.replay === undefined ? grantsOf(options) : Number(options.replay);
    const plan = planKills(grants, rounds, share, seededRandom(options.seed));
    const peer = await startPeer();
    try {
      options.say(`peer: ${grants} grants refreshed by us, ${rounds} rounds with deaths`);
      const ours = await refreshByPilotlight(peer, grants, plan);
      options.say(`peer: ${grants} grants refreshed by a loop that refreshes and saves`);
      const naive = await refreshNaively(peer, grants, plan);
      return resultOf(grants, ours, naive, options, peer);
    } finally {
      await peer.stop();
    }
  },
};

function grantsOf({ long, quick }: SuiteOptions): number {
  return long ? 3_000 : quick ? 45 : 300;
}

function resultOf(
  grants: number,
  ours: OurRun,
  naive: NaiveRun,
  options: SuiteOptions,
  peer: { wasRevoked(grantId: string): boolean },
) {
  const dead = ours.grants.filter(({ connection }) => ours.diedIn.has(connection));
  const inWindow = dead.filter(({ connection, deaths }) => deaths[ours.diedIn.get(connection) ?? 0]?.window === true);
  const died = dead.filter((grant) => !inWindow.includes(grant));
  const revoked = ours.grants.filter((grant) => peer.wasRevoked(grant.grantId) && !inWindow.includes(grant));
  const replay = `node test/faults/main.ts --only peer --seed ${options.seed} --replay ${grants}`;
  const failure = (property: string, what: string): Failure => ({ property, what, replay });
  return {
    counts: {
      peerGrants: grants,
      peerKills: ours.kills,
      peerDied: died.length,
      peerWindowLosses: inWindow.length,
      naiveKills: naive.kills,
      naiveDied: naive.diedIn.size,
      lostTokens: died.length,
      familiesRevoked: revoked.length,
      doubleSpends: ours.doubleSpends.length,
      falseReconsents: ours.falseReconsents.length,
      windowLosses: inWindow.length,
    },
    rareStates: Object.fromEntries(points.map(({ name, step }) => [`killed: ${name}`, reached(ours, step)])),
    failures: [
      ...died.map(({ connection, deaths }) =>
        failure(
          'lostTokens',
          `${connection} died; its workers had died ${deaths.map((at) => at?.step ?? 'never').join(', ')}`,
        ),
      ),
      ...revoked.map(({ connection }) => failure('familiesRevoked', `${connection} was revoked outside the window`)),
      ...ours.doubleSpends.map((connection) => failure('doubleSpends', `a token of ${connection} was shown again`)),
      ...ours.falseReconsents.map((connection) => failure('falseReconsents', `${connection} lives and is flagged`)),
      ...ours.oddities.map(({ connection, what }) => failure('other', `${connection} ${what}`)),
    ],
    table: tableOf(ours, naive),
  };
}

function reached({ grants }: OurRun, step: string) {
  const times = grants.flatMap(({ deaths }) => deaths).filter((point) => point?.step === step).length;
  return { reached: times, wanted: 1 };
}

/** By point: rotations stopped there, and grants that died of it. */
function tableOf(ours: OurRun, naive: NaiveRun): readonly string[] {
  const rows = points.map((point) => {
    const stopped = ours.grants.flatMap(({ deaths }) => deaths).filter((at) => at === point).length;
    const lost = ours.grants.filter(({ connection, deaths }) => {
      const round = ours.diedIn.get(connection);
      return round !== undefined && deaths[round] === point;
    }).length;
    const deaths = [...naive.killedAt].flatMap(([number, met]) => met.map((at) => ({ number, at, last: met.at(-1) })));
    const theirs = deaths.filter(({ at }) => at === point);
    const theirsLost = theirs.filter(({ number, last }) => naive.diedIn.has(number) && last === point);
    return [
      point.name,
      `${stopped}`,
      `${lost}`,
      `${theirs.length}`,
      `${new Set(theirsLost.map(({ number }) => number)).size}`,
    ];
  });
  return [
    ...table({
      columns: ['THE WORKER DIES', 'OURS', 'GRANTS DEAD', 'NAIVE', 'GRANTS DEAD'].map((title) => ({ title })),
      rows,
      width: undefined,
      paint: createPaint(false),
    }),
    `a new token is on no disk for: ours ${spread(ours.sealMs)}, naive ${spread(naive.exposedMs)}`,
  ];
}

function spread(ms: readonly number[]): string {
  const sorted = [...ms].sort((one, other) => one - other);
  const at = (fraction: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0).toFixed(1);
  return `${at(0.5)} ms (p99 ${at(0.99)} ms, ${sorted.length} rotations)`;
}
