/**
 * Sealed records, damaged byte by byte, cut, and put together from two: what opens is what was sealed, to the byte, and
 * whatever was changed is told; one bad file hides no good one. And key files, so that no changed key opens anything.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { Intent, RawAnswer } from '../../../src/rotation/ports.ts';
import { decodeKey } from '../../../src/runtime/key-file.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { openDiskSpool, recordFile } from '../../../src/spool/disk.ts';
import {
  answerStart,
  decodeAnswer,
  decodeRecord,
  encodeAnswer,
  encodeCompact,
  encodeRecord,
  keyFor,
  type Layout,
} from '../../../src/spool/format.ts';
import { type Keyring, openBytes, sealBytes } from '../../../src/spool/keyring.ts';
import type { Calls } from '../sim/call.ts';
import { createSimDisk } from '../sim/files.ts';
import { answeredAt, canaryNumber, planted } from './answer-case.ts';
import { answerRows } from './answer-rows.ts';
import { type Canaries, canariesOf, clearIn } from './canary.ts';
import { type Mutation, mutated, mutation } from './mutate.ts';
import { Broken, fuzzPart, type Note } from './part.ts';

const keys = new Map(['a', 'b'].map((id, place) => [id, Buffer.alloc(32, place + 1)]));
const rings: readonly Keyring[] = [
  { sealWith: 'a', keys },
  { sealWith: 'b', keys },
  { sealWith: 'b', keys: new Map([...keys].slice(1)) },
];
const damages = [
  'not_a_spool_file',
  'unknown_format',
  'header_damaged',
  'other_environment',
  'key_missing',
  'truncated',
  'answer_damaged',
];
const space = 1_024;
const atOnce: Calls = async ({ effect }) => effect();

interface Damage {
  readonly kind: keyof typeof kinds;
  readonly a: number;
  readonly b: number;
}

interface RecordCase {
  readonly n: number;
  readonly row: number;
  readonly answered: boolean;
  readonly layout: Layout;
  readonly sealedBy: 0 | 1;
  readonly openedBy: 0 | 1 | 2;
  readonly install: string;
  readonly damage: readonly Damage[];
}

/** Places near the parts' borders are where a reader goes wrong. */
const placeOf = (bytes: Buffer, a: number) =>
  (a % 3 === 0 ? a % 64 : a % 3 === 1 ? answerStart - 8 + (a % 80) : a) % Math.max(1, bytes.length);

function filled(bytes: Buffer, from: number, length: number, value: number): Buffer {
  const out = Buffer.from(bytes);
  out.subarray(from, from + length).fill(value);
  return out;
}

const kinds = {
  flip: (bytes: Buffer, a: number, b: number) => {
    const out = Buffer.from(bytes);
    const at = placeOf(out, a);
    if (out.length > 0) out[at] = (out[at] ?? 0) ^ (1 << (b % 8));
    return out;
  },
  zero: (bytes: Buffer, a: number, b: number) => filled(bytes, placeOf(bytes, a), 1 + (b % 600), 0),
  fill: (bytes: Buffer, a: number, b: number) => filled(bytes, placeOf(bytes, a), 1 + (b % 64), b % 256),
  cut: (bytes: Buffer, a: number) => bytes.subarray(0, placeOf(bytes, a)),
  lengthen: (bytes: Buffer, a: number, b: number) => Buffer.concat([bytes, Buffer.alloc(a % 5_000, b % 256)]),
  insert: (bytes: Buffer, a: number, b: number) =>
    Buffer.concat([bytes.subarray(0, placeOf(bytes, a)), Buffer.from([b % 256]), bytes.subarray(placeOf(bytes, a))]),
  drop: (bytes: Buffer, a: number, b: number) =>
    Buffer.concat([bytes.subarray(0, placeOf(bytes, a)), bytes.subarray(placeOf(bytes, a) + 1 + (b % 16))]),
  reword: (bytes: Buffer, a: number, b: number) =>
    Buffer.from(mutated(bytes.toString('latin1'), [{ kind: a % 2 === 0 ? 'revalue' : 'rename', a, b }]), 'latin1'),
  head: (bytes: Buffer, _a: number, _b: number, other: Buffer) =>
    Buffer.concat([other.subarray(0, answerStart), bytes.subarray(answerStart)]),
  splice: (bytes: Buffer, a: number, b: number, other: Buffer) => {
    const at = placeOf(bytes, a);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at, at + b), bytes.subarray(at + b)]);
  },
} as const;

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom(...(Object.keys(kinds) as Damage['kind'][])),
  a: fc.nat(12_000),
  b: fc.nat(4_000),
});

export const spoolRecords = fuzzPart<RecordCase>({
  name: 'spool-records',
  share: 10,
  cases: fc.record({
    n: canaryNumber,
    row: fc.nat(answerRows.length - 1),
    answered: fc.boolean(),
    layout: fc.constantFrom<Layout[]>('file', 'file', 'compact'),
    sealedBy: fc.constantFrom<(0 | 1)[]>(0, 1),
    openedBy: fc.constantFrom<(0 | 1 | 2)[]>(0, 0, 1, 2),
    install: fc.constantFrom('test', 'test', 'test', 'test', 'staging'),
    damage: fc.array(damage, { maxLength: 3 }),
  }),
  show: ({ n: _, ...one }) => JSON.stringify(one),
  async attempt(one, note) {
    const canaries = canariesOf(one.n);
    const [mine, other] = [recordOf(one, canaries, 0), recordOf({ ...one, answered: true }, canaries, 1)];
    if (clearIn(mine.bytes.toString('latin1'), canaries).length > 0)
      throw new Broken('canaryLeaks', 'a record holds a token in clear');
    const bytes = one.damage.reduce((now, { kind, a, b }) => kinds[kind](now, a, b, other.bytes), mine.bytes);
    checkRecord(one, bytes, [mine, other], note);
    if (one.layout === 'file' && one.n % 10 === 0) await checkFolder(one, bytes, mine, other);
  },
  reaches: {
    'opens: intent': 40,
    'opens: answered': 20,
    ...Object.fromEntries(damages.map((why) => [`told: ${why}`, why === 'truncated' ? 800 : 200])),
  },
});

interface MadeRecord {
  readonly intent: Intent;
  readonly answer: RawAnswer | undefined;
  readonly bytes: Buffer;
}

function recordOf({ n, row, answered, layout, sealedBy }: RecordCase, canaries: Canaries, which: number): MadeRecord {
  const random = seededRandom(n + which);
  const ring = rings[sealedBy] as Keyring;
  const intent: Intent = {
    connection: `customers/${which}`,
    provider: 'acme-sign',
    environment: 'production',
    client: 'main',
    host: 'auth.acme.test',
    attempt: random.uuid(),
    versionOld: 'v-old',
    versionNew: random.uuid(),
    fingerprintOld: '0123456789ab',
    startedAt: answeredAt + which,
    unanswered: 0,
  };
  const { status, body, headers = {} } = answerRows[row] as (typeof answerRows)[number];
  const answer = answered
    ? { status, headers, body: Buffer.from(planted(body, canaries)), complete: true, receivedAt: answeredAt }
    : undefined;
  const { file, header } = encodeRecord(intent, 'test', ring, space);
  const key = keyFor(ring, ring.sealWith);
  const sealed = answer && encodeAnswer(answer, intent.attempt, header, key, random.bytes(12));
  if (layout === 'compact') return { intent, answer, bytes: encodeCompact(header, key, sealed) };
  const bytes = Buffer.alloc(Math.max(file.length, answerStart + (sealed?.length ?? 0)));
  file.copy(bytes);
  sealed?.copy(bytes, answerStart);
  return { intent, answer, bytes };
}

function checkRecord(one: RecordCase, bytes: Buffer, made: readonly MadeRecord[], note: Note): void {
  const { layout, install, openedBy } = one;
  const ring = rings[openedBy] as Keyring;
  const read = decodeRecord(bytes, install, ring, layout);
  if (!read.ok) {
    if (!damages.includes(read.why)) throw new Broken('other', 'damage without a known word');
    if (one.damage.length === 0 && install === 'test' && openedBy !== 2)
      throw new Broken('lostTokens', `a whole record was refused: ${read.why}`);
    note(`told: ${read.why}`);
    return;
  }
  if (install !== 'test') throw new Broken('other', 'a record of another environment was opened');
  const whole = made.find(({ intent }) => JSON.stringify(intent) === JSON.stringify(read.intent));
  if (whole === undefined) throw new Broken('lostTokens', 'a record was opened whose header nobody wrote');
  const answer = read.sealed && decodeAnswer(read.sealed, read.intent.attempt, read.header, keyFor(ring, read.key));
  note(answer === undefined ? 'opens: intent' : 'opens: answered');
  if (read.sealed !== undefined && answer === undefined)
    throw new Broken('lostTokens', 'a record says it is answered and cannot be opened');
  if (answer !== undefined && !isDeepStrictEqual(answer, whole.answer))
    throw new Broken('lostTokens', 'a record gave back another answer than was sealed');
  // Where an answer lacks all its bytes or a sector, nothing could tell it from a write cut short by power.
  const gone = isBlank(bytes, read.header, layout) || (layout === 'file' && lacksSector(bytes, whole.bytes));
  if (answer === undefined && whole.answer !== undefined && !gone)
    throw new Broken('lostTokens', 'an answer was taken for none: its token would be spent again');
}

function isBlank(bytes: Buffer, header: Buffer, layout: Layout): boolean {
  const behind = bytes.subarray(layout === 'file' ? answerStart : 19 + 4 + header.length + 16);
  return behind.every((byte) => byte === 0);
}

/** Of the answer as it was written, a sector is as it was before. */
function lacksSector(bytes: Buffer, written: Buffer): boolean {
  const end = answerStart + 4 + written.readUInt32BE(answerStart);
  const blank = (from: number, to: number) =>
    bytes.length >= to && bytes.subarray(from, to).every((byte) => byte === 0);
  for (let at = answerStart; at < end; at += 512) if (blank(at, Math.min(at + 512, end))) return true;
  return false;
}

/** The same bytes as a file among others. */
async function checkFolder(
  { install, openedBy }: RecordCase,
  bytes: Buffer,
  mine: MadeRecord,
  other: MadeRecord,
): Promise<void> {
  if (install !== 'test' || openedBy === 2) return;
  const files = createSimDisk().bind(atOnce);
  await files.create(recordFile(mine.intent.attempt), bytes);
  await files.create(recordFile(other.intent.attempt), other.bytes);
  const spool = await openDiskSpool({
    files,
    keyring: rings[openedBy] as Keyring,
    install,
    answerSpaceBytes: space,
    random: seededRandom(1),
  });
  const [good] = spool
    .recordsOf(other.intent.connection)
    .filter(({ intent }) => intent.attempt === other.intent.attempt);
  const found = (await good?.answer())?.body;
  if (found?.equals(other.answer?.body ?? Buffer.alloc(0)) !== true)
    throw new Broken('lostTokens', 'a damaged file hides a good one');
  if (spool.stats().records + spool.unreadable().length !== 2)
    throw new Broken('silentDeaths', 'a file in the folder is neither a record nor told of');
  await spool.close();
}

interface KeyCase {
  readonly n: number;
  readonly form: 'base64' | 'hex' | 'latin1';
  readonly mutations: readonly Mutation[];
}

export const keyFiles = fuzzPart<KeyCase>({
  name: 'key-files',
  share: 3,
  cases: fc.record({
    n: canaryNumber,
    form: fc.constantFrom<KeyCase['form'][]>('base64', 'hex', 'latin1'),
    mutations: fc.array(mutation, { maxLength: 3 }),
  }),
  show: ({ form, mutations }) => JSON.stringify({ form, mutations }),
  attempt({ n, form, mutations }, note) {
    const key = seededRandom(n).bytes(32);
    const file = Buffer.from(mutated(key.toString(form), mutations), 'latin1');
    const read = decodeKey(file);
    if (read !== undefined && read.length !== 32) throw new Broken('other', 'a key of another length was taken');
    if (mutations.length === 0 && !read?.equals(key)) throw new Broken('lostTokens', 'a whole key file was not read');
    note(read === undefined ? 'refused' : read.equals(key) ? 'the same key' : 'another key');
    if (read === undefined || read.equals(key)) return;
    const sealed = sealBytes(key, 'attempt', Buffer.alloc(12), Buffer.alloc(1), Buffer.from('answer'));
    if (openBytes(read, 'attempt', Buffer.alloc(1), sealed) !== undefined)
      throw new Broken('other', 'a changed key opened what it did not seal');
  },
  reaches: { refused: 8, 'the same key': 8, 'another key': 100 },
});
