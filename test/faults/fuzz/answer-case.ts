/** One answer of a token endpoint to try: a row of the catalogue, damaged, said with other headers and perhaps compressed. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { Provider } from '../../../config/provider.ts';
import type { RawAnswer } from '../../../src/rotation/ports.ts';
import { providerFile, providerNames } from '../../support/shipped-providers.ts';
import { type AnswerRow, answerRows } from './answer-rows.ts';
import { blanked, type Canaries, canariesOf } from './canary.ts';
import { type Mutation, mutated, mutation } from './mutate.ts';
import { type Truth, truthOf } from './reference.ts';

export interface AnswerCase {
  /** Which canaries. */
  readonly n: number;
  readonly provider: Provider;
  readonly row: AnswerRow;
  readonly mutations: readonly Mutation[];
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly coding: Coding;
  /** Bytes behind this part of the body never came. */
  readonly cutAt: number | undefined;
}

export const answeredAt = Date.UTC(2026, 10, 20, 8);

const providers = providerNames.map((name) => providerFile(name));

/** How the body travels. `lie`: the header says gzip and it is not; `silent`: it is, and no header says so. */
const codings = {
  plain: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  deflate: (bytes: Buffer) => deflateSync(bytes, { level: 1 }),
  raw: (bytes: Buffer) => deflateRawSync(bytes, { level: 1 }),
  br: (bytes: Buffer) => brotliCompressSync(bytes, { params: { 1: 1 } }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
  double: (bytes: Buffer) => gzipSync(gzipSync(bytes, { level: 1 }), { level: 1 }),
  lie: (bytes: Buffer) => bytes,
  silent: (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  latin1: (bytes: Buffer) => Buffer.from(bytes.toString('utf8'), 'latin1'),
  utf16: (bytes: Buffer) => Buffer.from(bytes.toString('utf8'), 'utf16le'),
} as const;
type Coding = keyof typeof codings;
const encodingOf: Readonly<Partial<Record<Coding, string>>> = {
  gzip: 'gzip', deflate: 'deflate', raw: 'deflate', br: 'br', zstd: 'zstd', double: 'gzip, x-gzip', lie: 'gzip',
}; // biome-ignore format: one list

const strange = fc.constantFrom(
  '', '0', '-5', '1e9', '120', '120, 120', '999999999999', '3.5', 'soon', 'Fri, 20 Nov 2026 08:05:00 GMT', 'Thu, 01 Jan 1970 00:00:00 GMT',
  'Sun, 13 Sep 275760 00:00:00 GMT', 'Friday, 20-Nov-26 08:05:00 GMT', 'gzip', 'br', 'identity', 'gzip, gzip, gzip', 'pack200', 'text/html',
  'application/json; charset=utf-16', 'SENT', 'id SENT', 'SECRET', 'Bearer SECRET', 'a\r\nset-cookie: x', '\u0000', '\u001b[31m', 'x'.repeat(20_000),
); // biome-ignore format: one list
const headerNames = [
  'content-type',
  'content-encoding',
  'retry-after',
  'date',
  'x-request-id',
  'x-trace-token',
  'cf-ray',
] as const;

/** One time in eight. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

export const canaryNumber = fc.noShrink(fc.nat(2 ** 31 - 1));

/** One in four is left as it is. */
export const damage = fc.oneof(
  { weight: 1, arbitrary: fc.constant<readonly Mutation[]>([]) },
  { weight: 3, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 4 }) },
);

export const answerCase: fc.Arbitrary<AnswerCase> = fc.record({
  n: canaryNumber,
  provider: fc.constantFrom(...providers),
  row: fc.constantFrom(...answerRows),
  mutations: damage,
  status: seldom(
    fc.oneof(
      fc.constantFrom(200, 201, 204, 206, 302, 400, 401, 403, 429, 500, 503),
      fc.integer({ min: 100, max: 999 }),
    ),
  ),
  headers: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...headerNames), strange, { maxKeys: 3 }) },
  ),
  coding: fc.oneof(
    { weight: 14, arbitrary: fc.constant<Coding>('plain') },
    { weight: 6, arbitrary: fc.constantFrom(...(Object.keys(codings) as Coding[])) },
  ),
  cutAt: seldom(fc.double({ min: 0, max: 1, noNaN: true })),
});

export interface MadeAnswer {
  readonly canaries: Canaries;
  readonly raw: RawAnswer;
  /** What stands in the body, where that can be said: undefined of one that was cut after it was compressed. */
  readonly truth: Truth | undefined;
  /** The body before anything compressed it. */
  readonly text: string;
}

export function planted(text: string, canaries: Canaries): string {
  return text
    .replaceAll('FRESH', canaries.fresh)
    .replaceAll('OTHER', canaries.other)
    .replaceAll('SENT', canaries.sent)
    .replaceAll('ACCESS', canaries.access)
    .replaceAll('SECRET', canaries.clientSecret);
}

export function makeAnswer(one: AnswerCase): MadeAnswer {
  const { row, coding, cutAt } = one;
  const canaries = canariesOf(one.n);
  // Planted before it is damaged, so that tokens are damaged too.
  let text = mutated(planted(row.body, canaries), one.mutations).toWellFormed();
  const plainly = coding === 'plain' || coding === 'lie';
  if (plainly && cutAt !== undefined) text = text.slice(0, Math.floor(cutAt * text.length));
  const whole = codings[coding](Buffer.from(text, 'utf8'));
  const body = cutAt === undefined || plainly ? whole : whole.subarray(0, Math.floor(cutAt * whole.length));
  const complete = row.cut !== true && cutAt === undefined;
  const headers: Record<string, string> = { 'content-type': 'application/json', ...row.headers };
  const encoding = encodingOf[coding];
  if (encoding !== undefined) headers['content-encoding'] = encoding;
  for (const [name, value] of Object.entries(one.headers)) headers[name] = planted(value, canaries);
  const raw = { status: one.status ?? row.status, headers, body, complete, receivedAt: answeredAt };
  // A header that lies about compressed bytes leaves nothing to be said of them.
  const sayable =
    plainly || (cutAt === undefined && one.headers['content-encoding'] === undefined && !/1$|6$/.test(coding));
  const truth = sayable ? truthOf(text.replace(/^\ufeff/, ''), canaries.sent, complete) : undefined;
  return { canaries, raw, text, truth };
}

export function showAnswer(one: AnswerCase): string {
  const { canaries, raw, text } = makeAnswer(one);
  const shown = {
    row: one.row.row,
    provider: one.provider.name,
    status: raw.status,
    complete: raw.complete,
    coding: one.coding,
  };
  const damage = one.mutations.map(({ kind }) => kind).join('+');
  return blanked(`${JSON.stringify({ ...shown, damage, headers: raw.headers })} ${JSON.stringify(text)}`, canaries);
}
