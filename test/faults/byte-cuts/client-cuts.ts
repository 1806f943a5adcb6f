/**
 * The token endpoint client alone, its connection cut at every offset, over plain TCP and over TLS: what it says of the
 * exchange must be true of what the provider saw, and a refresh token that came through whole must be read out whole.
 */
import type { Provider } from '../../../config/provider.ts';
import {
  createTokenEndpoint,
  type OAuthEndpoint,
  type TokenEndpointOptions,
} from '../../../src/oauth/token-endpoint.ts';
import type { Exchange } from '../../../src/rotation/ports.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { createProviderSandbox, type ProviderSandbox } from '../../../src/sandbox/providers/sandbox.ts';
import { providerFile } from '../../support/provider-files.ts';
import type { SuiteOptions } from '../suite.ts';
import { borders, cutOf, cutsAt, drawn, everyOffset, manners, wordOf } from './cases.ts';
import { type Cut, type Cutter, firedInTime, type Passage, startCutter } from './cutter.ts';
import { eachOf } from './side-by-side.ts';
import type { Tally } from './tally.ts';
import { type Readable, startTlsFront, type TlsFront } from './tls-front.ts';

export type Wire = 'plain' | 'tls';

const host = 'account.docusign.com';
const client = { clientId: 'client-1', clientSecret: 'PLTOKEN-client-secret-of-the-byte-cuts' };
/** Most of them wait for a connection that fell silent. */
const lanesMax = 64;
/** For a connection that falls silent; the rest ends by itself. */
const hastyMs = 250;
const patientMs = 5_000;
/** Offsets beside the borders, where not all are cut. */
const sampleSize = 300;

interface Lane {
  readonly cutter: Cutter;
  readonly provider: Provider;
  readonly hasty: OAuthEndpoint;
  readonly patient: OAuthEndpoint;
}

interface Bench {
  readonly wire: Wire;
  readonly sandbox: ProviderSandbox;
  readonly front: TlsFront | undefined;
  readonly lanes: readonly Lane[];
  stop(): Promise<void>;
}

/** Answers how many cuts were made, and whether at every offset. */
export async function cutClients(
  wire: Wire,
  options: SuiteOptions,
  tally: Tally,
): Promise<{ readonly offsets: number; readonly cuts: number; readonly every: boolean }> {
  const bench = await startBench(wire, options.seed);
  try {
    const cuts = await cutsOf(bench, options);
    options.say(`byte-cuts: the client alone over ${wire}, ${cuts.length} cuts`);
    const before = tally.counts.byteCuts;
    let connection = 0;
    const fired: { cut: Cut; made: Made }[] = [];
    const missed = await eachOf(cuts, bench.lanes, async (cut, lane, tries) => {
      const made = await exchange(bench, lane, `c${++connection}`, cut, tries);
      if (!made.inTime) return false;
      fired.push({ cut, made });
      return true;
    });
    // Not earlier: the provider may be busy with a request whose sender has long given up.
    for (const { cut, made } of fired) judge(bench, made, cut, tally);
    for (const cut of missed) tally.fail('other', 'the cut never fired', wordOf(`client-${wire}`, cut));
    const offsets = new Set(cuts.map(({ direction, at }) => `${direction} ${at}`)).size;
    return { offsets, cuts: tally.counts.byteCuts - before, every: !options.quick && options.replay === undefined };
  } finally {
    await bench.stop();
  }
}

async function startBench(wire: Wire, seed: number): Promise<Bench> {
  const clock = systemClock();
  const sandbox = createProviderSandbox({ clock, random: seededRandom(seed) });
  const { url } = await sandbox.start();
  const target = { host: url.hostname, port: Number(url.port) };
  const front = wire === 'tls' ? await startTlsFront(target, host) : undefined;
  const lanes = await Promise.all(
    Array.from({ length: lanesMax }, async (_, number): Promise<Lane> => {
      const cutter = await startCutter(front === undefined ? target : { ...target, port: front.port });
      const reach: Partial<TokenEndpointOptions> =
        front === undefined
          ? { connectTo: new URL(`http://127.0.0.1:${cutter.port}`) }
          : {
              trustedCa: front.ca,
              privateAddresses: 'allow',
              resolve: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
            };
      const endpoint = (totalMs: number) =>
        createTokenEndpoint({
          clock,
          random: seededRandom(seed + number),
          limits: { connectMs: totalMs, totalMs },
          ...reach,
        });
      const named = { environments: { production: { tokenUrl: `https://${host}:${cutter.port}/oauth/token` } } };
      const provider = providerFile('docusign', front === undefined ? {} : named);
      return { cutter, provider, hasty: endpoint(hastyMs), patient: endpoint(patientMs) };
    }),
  );
  return {
    wire,
    sandbox,
    front,
    lanes,
    async stop() {
      for (const { cutter } of lanes) await cutter.stop();
      await front?.stop();
      await sandbox.stop();
    },
  };
}

async function cutsOf(bench: Bench, { long, quick, seed, replay }: SuiteOptions): Promise<readonly Cut[]> {
  if (replay !== undefined) return [cutOf(replay, `client-${bench.wire}`)].filter((cut) => cut !== undefined);
  const clean = await cleanPassage(bench);
  const every = { request: everyOffset(clean.request), answer: everyOffset(clean.answer) };
  if (bench.wire === 'plain') {
    if (!quick) return cutsAt(every);
    const marked = { request: borders(clean.request), answer: borders(clean.answer) };
    return [...cutsAt(marked), ...drawn(cutsAt(every), sampleSize, seededRandom(seed))];
  }
  if (long) return cutsAt(every);
  // In cipher text no offset means more than another: each is cut once, in one of the three manners in turn.
  return cutsAt(every).filter(({ at, manner }) => manner === manners[at % 3] && (!quick || at % 11 === 0));
}

/** The shortest of several: signatures and tickets of TLS differ by some bytes from one handshake to the next. */
async function cleanPassage(bench: Bench): Promise<Passage> {
  const passages: Passage[] = [];
  for (const [number, lane] of bench.lanes.slice(0, 8).entries()) {
    const { exchange: made, passage } = await exchange(bench, lane, `clean-${number}`, undefined, 0);
    if (made.kind !== 'answered' || !made.answer.complete) throw new Error(`nothing is cut, and still: ${made.kind}`);
    passages.push(passage);
  }
  const shortest = (one: Passage, other: Passage): Passage => ({
    ...one,
    request: one.request.length < other.request.length ? one.request : other.request,
    answer: one.answer.length < other.answer.length ? one.answer : other.answer,
  });
  return passages.reduce(shortest);
}

interface Made {
  readonly connection: string;
  readonly sent: string;
  readonly exchange: Exchange;
  readonly passage: Passage;
  /** The cut is what the exchange ended of. */
  readonly inTime: boolean;
  /** Over TLS: what the provider's side could read. */
  readonly readable: Readable | undefined;
  readonly lane: Lane;
}

async function exchange(
  bench: Bench,
  lane: Lane,
  connection: string,
  cut: Cut | undefined,
  tries: number,
): Promise<Made> {
  const { refreshToken: sent } = bench.sandbox.grants.create({
    provider: 'docusign',
    connection,
    client,
    scope: 'signature extended',
  });
  const passage = lane.cutter.next(cut);
  const subject = { provider: lane.provider, environment: 'production', refreshToken: new Secret(sent) };
  const credentials = { clientId: client.clientId, clientSecret: new Secret(client.clientSecret) };
  const endpoint = cut?.manner === 'silence' && tries === 0 ? lane.hasty : lane.patient;
  const made = await endpoint.send(endpoint.prepare(subject, credentials));
  const inTime = cut !== undefined && firedInTime(passage, cut, made, performance.now());
  const readable = bench.front?.connectionFrom(passage.farPort);
  return { connection, sent, exchange: made, passage, inTime, readable, lane };
}

function judge(
  bench: Bench,
  { connection, sent, exchange: made, passage, readable, lane }: Made,
  cut: Cut,
  tally: Tally,
): void {
  const word = wordOf(`client-${bench.wire}`, cut);
  const { oracle } = bench.sandbox;
  tally.add('byteCuts');
  tally.add(made.kind);
  const committed = oracle.presentations(connection).some((one) => one.committed);
  const read = bench.front === undefined ? passage.request.length : (readable?.bytes ?? 0);
  if (made.kind === 'notSent' && (read > 0 || committed))
    tally.fail('other', `${made.label} says not sent, and the provider read ${read} bytes`, word);
  if (oracle.presentations(connection).length > 1) tally.fail('doubleSpends', 'one request, and it came twice', word);
  const next = oracle.liveToken(connection) ?? '';
  const cameThrough = committed && passage.answer.includes(`"refresh_token":"${next}"`);
  if (made.kind !== 'answered') {
    if (bench.front === undefined && cameThrough)
      tally.fail('lostTokens', `the new token came through, and the exchange is ${made.kind} (${made.label})`, word);
    return;
  }
  if (cameThrough && !made.answer.body.includes(next))
    tally.fail('lostTokens', 'the new token came through and is not in the body kept', word);
  judgeReading(made, { lane, sent, next: committed ? next : undefined }, word, tally);
}

/** A body with the whole new token brings it; any other says that nothing is known, and never that the token is dead. */
function judgeReading(
  made: Exchange & { kind: 'answered' },
  { lane, sent, next }: { readonly lane: Lane; readonly sent: string; readonly next: string | undefined },
  word: string,
  tally: Tally,
): void {
  const reading = lane.patient.read(lane.provider, made.answer, { refreshToken: new Secret(sent) });
  const whole = next !== undefined && made.answer.body.includes(`"refresh_token":"${next}"`);
  if (reading.kind === 'granted') {
    if (reading.refreshToken?.reveal() !== next)
      tally.fail('lostTokens', 'granted, and not the token that lives', word);
    const salvaged = reading.oddities.includes('salvaged');
    if (salvaged) tally.add('salvaged');
    if (salvaged === made.answer.complete)
      tally.fail('other', 'salvaged is said of a whole answer, or not of a cut one', word);
  } else if (whole) tally.fail('lostTokens', `the whole token is in the body, and it reads as ${reading.kind}`, word);
  else if (reading.kind !== 'refused' || (reading.means !== 'unknown' && made.answer.status === 200))
    tally.fail('other', `a cut answer without a token reads as ${reading.kind}`, word);
  else if (reading.means === 'grant' && next !== undefined)
    tally.fail('falseReconsents', 'a token that lives is called dead', word);
}
