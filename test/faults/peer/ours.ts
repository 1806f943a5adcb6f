/**
 * Our side: the real protocol over real Redis, the Secrets Manager double behind the real SDK and a real disk. A death stops
 * the rotation where it is for good; a new process opens the same disk and recovers, as at every start.
 */
import { provider as providerSchema } from '../../../config/provider.ts';
import type { RotationReport } from '../../../src/rotation/outcome.ts';
import { day, minute, type RotationBench, startRotationBench } from '../../support/rotation-bench.ts';
import type { Plan, Point } from './kills.ts';
import { type Consented, type PeerServer, peerClient, peerScope } from './server.ts';

export interface Grant extends Consented {
  readonly connection: string;
  /** Where its worker died in each round. */
  readonly deaths: (Point | undefined)[];
}

export interface OurRun {
  readonly grants: readonly Grant[];
  readonly kills: number;
  /** The round in which a grant was seen dead first; no entry where it lives. */
  readonly diedIn: ReadonlyMap<string, number>;
  /** Tokens shown to the peer again although nothing was unknown about them, or more often than the one second try. */
  readonly doubleSpends: readonly string[];
  readonly falseReconsents: readonly string[];
  /** What went wrong otherwise, in words. */
  readonly oddities: readonly { readonly connection: string; readonly what: string }[];
  /** From the last byte of an answer to its fsynced seal, ms, of every rotation nobody stopped. */
  readonly sealMs: readonly number[];
}

/** Rotations under way at a time. */
const atATime = 8;
/** Deaths between two turns of the calendar. */
const groupSize = 50;
const deathsInARow = 5;
const secondTryMs = 2 * minute;
/**
 * Of a token whose answer was lost: the one second try, and two looks that make its refusal a fact. With rounds of days
 * between them the first may find that its client's success is no longer fresh.
 */
const showingsAgainMax = 3;

/** One round for each of the plan's, and one more in which nobody dies. */
export async function refreshByPilotlight(peer: PeerServer, grants: number, plan: Plan): Promise<OurRun> {
  const bench = await startBench(peer);
  // Every process that dies leaves its listeners on the connection to Redis that they share here.
  bench.services.redis.redis.setMaxListeners(0);
  try {
    return await run(bench, peer, grants, plan);
  } finally {
    await bench.stop();
  }
}

async function startBench(peer: PeerServer): Promise<RotationBench> {
  const bench = await startRotationBench({
    change({ sandbox: _, ...config }) {
      const { oauth2 } = config.providers;
      if (oauth2 === undefined) throw new Error('there is no provider oauth2');
      const own = providerSchema.parse({
        name: 'oauth2',
        title: 'Their OAuth server',
        environments: { production: { tokenUrl: peer.tokenUrl } },
        request: { clientAuth: 'basic', body: 'form' },
        answer: { newRefreshToken: 'always' },
        lifetimes: [{ idle: '30d' }],
        secondTry: { after: '2m' },
        limits: { perSecond: 1_000 },
      });
      // Many grants of one client die here by design: its breaker has tests of its own.
      const rotation = { ...config.rotation, breakerThreshold: 1_000_000 };
      return { ...config, rotation, providers: { oauth2: { ...oauth2, ...own } } };
    },
  });
  const { clientId, clientSecret } = peerClient;
  bench.double.secrets.put('clients/rig', JSON.stringify({ client_id: clientId, client_secret: clientSecret }));
  return bench;
}

async function run(bench: RotationBench, peer: PeerServer, count: number, plan: Plan): Promise<OurRun> {
  const grants: Grant[] = [];
  for (let number = 0; number < count; number++) grants.push(await connect(bench, peer, number));
  await bench.inventory();
  const diedIn = new Map<string, number>();
  const told: RotationReport[] = [];
  const tokens = new Map(grants.map(({ connection, refreshToken }) => [connection, new Set([refreshToken])]));
  for (const [round, deaths] of [...plan, new Map<number, Point>()].entries()) {
    bench.clock.turn(12 * day);
    const doomed = grants.filter((grant, number) => {
      const point = diedIn.has(grant.connection) ? undefined : deaths.get(number);
      grant.deaths.push(point);
      return point !== undefined;
    });
    told.push(
      ...(await rotateAll(
        bench,
        grants.filter((grant) => !doomed.includes(grant)),
      )),
    );
    for (let from = 0; from < doomed.length; from += groupSize)
      told.push(...(await dieAndRecover(bench, doomed.slice(from, from + groupSize), round)));
    for (const { connection } of grants) {
      const held = String(bench.document(connection).refresh_token);
      tokens.get(connection)?.add(held);
      if (!peer.isLive(held) && !diedIn.has(connection)) diedIn.set(connection, round);
    }
  }
  return {
    grants,
    kills: grants.flatMap(({ deaths }) => deaths).filter((point) => point !== undefined).length,
    diedIn,
    doubleSpends: doubleSpendsOf(peer, grants, tokens),
    falseReconsents: grants
      .filter(({ connection }) => 'pilotlight:state' in bench.double.secrets.tags(connection))
      .filter(({ connection }) => !diedIn.has(connection))
      .map(({ connection }) => connection),
    oddities: odditiesOf(bench, grants, diedIn, told),
    sealMs: bench.reports.flatMap(({ sealMs }) => (sealMs === undefined ? [] : [sealMs])),
  };
}

/** One worker after the other dies; then the calendar comes to the second tries. */
async function dieAndRecover(bench: RotationBench, doomed: readonly Grant[], round: number): Promise<RotationReport[]> {
  const told: RotationReport[] = [];
  for (const [number, { connection, deaths }] of doomed.entries()) {
    await bench.crash(connection, deaths[round]?.step ?? 'intended');
    // Now and then one dies before it has recovered what the one before it left.
    if (number % deathsInARow === 0 || number === doomed.length - 1) told.push(...(await bench.recover()));
  }
  bench.clock.turn(secondTryMs);
  told.push(...(await rotateAll(bench, doomed)));
  return told;
}

async function connect(bench: RotationBench, peer: PeerServer, number: number): Promise<Grant> {
  const held = await peer.consent();
  const connection = `g${number}`;
  const at = new Date(bench.clock.now()).toISOString();
  const document = {
    provider: 'oauth2',
    client: 'rig',
    refresh_token: held.refreshToken,
    scope: peerScope,
    consented_at: at,
    refreshed_at: at,
  };
  bench.double.secrets.create(connection, JSON.stringify(document), { 'pilotlight:managed': 'true' });
  return { ...held, connection, deaths: [] };
}

async function rotateAll(bench: RotationBench, grants: readonly Grant[]): Promise<RotationReport[]> {
  const line = [...grants];
  const reports: RotationReport[] = [];
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (let next = line.shift(); next !== undefined; next = line.shift())
        reports.push(await bench.rotate(next.connection));
    }),
  );
  return reports;
}

/** A token may be shown twice only where its first showing was cut off by a death in the window. */
function doubleSpendsOf(
  peer: PeerServer,
  grants: readonly Grant[],
  tokens: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  return grants.flatMap(({ connection, deaths }) => {
    const windows = deaths.filter((point) => point?.window === true).length;
    const again = [...(tokens.get(connection) ?? [])].reduce(
      (sum, token) => sum + Math.max(0, peer.shown(token) - 1),
      0,
    );
    return again > (windows === 0 ? 0 : showingsAgainMax) ? [connection] : [];
  });
}

/** A connection that lives is rotated in the last round, and leaves nothing open. */
function odditiesOf(
  bench: RotationBench,
  grants: readonly Grant[],
  diedIn: ReadonlyMap<string, number>,
  told: readonly RotationReport[],
): { connection: string; what: string }[] {
  const last = new Map(told.filter(({ asked }) => asked === 'due').map((report) => [report.connection, report]));
  return grants.flatMap(({ connection }) => {
    if (diedIn.has(connection)) return [];
    const found: { connection: string; what: string }[] = [];
    const outcome = last.get(connection)?.outcome;
    if (outcome !== 'rotated') found.push({ connection, what: `ended with ${outcome ?? 'nothing'}` });
    const open = bench.ports().spool.recordsOf(connection).length;
    if (open > 0) found.push({ connection, what: `${open} records are left` });
    return found;
  });
}
