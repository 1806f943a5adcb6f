/** The audit section: what it is by default, and what it may not say. */
import { expect, test } from 'vitest';
import { configSchema } from '../../config/schema.ts';

test('by default 50 MiB a file and three older ones are kept, on the disk alone', () =>
  expect(configSchema.parse({}).audit).toEqual({ maxBytes: 52_428_800, keep: 3, stdout: false }));

test('what is said of it holds', () => {
  const audit = { maxBytes: 65_536, keep: 0, stdout: true };
  expect(configSchema.parse({ audit }).audit).toEqual(audit);
});

test.for<[string, Record<string, unknown>]>([
  ['a file too small for its lines', { maxBytes: 1_000 }],
  ['a fraction of a byte', { maxBytes: 100_000.5 }],
  ['fewer than no files', { keep: -1 }],
  ['a mistyped key', { keeps: 1 }],
  ['a word for a switch', { stdout: 'yes' }],
])('%s is refused', ([, audit]) => {
  const { error } = configSchema.safeParse({ audit });
  expect(error?.issues.map(({ path }) => path[0])).toEqual(['audit']);
});
