/** Exactly once: what the scale-out test takes for a second refresh, and what it excuses. */
import { expect, test } from 'vitest';
import { type Due, judgeOnce } from '../support/scale-judge.ts';

const requestMs = 5_000;
const due = (...shown: readonly [at: number, committed: boolean][]): Due => ({
  connection: 'a',
  round: 1,
  shown: shown.map(([at, committed]) => ({ at, committed })),
});
const lost = { connection: 'a', from: 900, at: 1_200 };

test('one refresh that took effect is once', () => {
  expect(judgeOnce([due([1_000, true])], [], requestMs)).toMatchObject({ once: 1, again: 0, missed: [], twice: [] });
});

test('a connection nobody refreshed is missed', () => {
  expect(judgeOnce([due()], [], requestMs).missed).toEqual(['a in round 1']);
});

test('a second refresh that nothing excuses is twice', () => {
  const found = judgeOnce([due([1_000, true], [9_000, true])], [], requestMs);
  expect(found).toMatchObject({ once: 0, again: 0, twice: ['a in round 1'] });
});

test('a second refresh after the answer to the first was lost is excused', () => {
  const found = judgeOnce([due([1_000, true], [9_000, true])], [lost], requestMs);
  expect(found).toMatchObject({ once: 0, again: 1, twice: [] });
});

test('one loss excuses one second try and no third', () => {
  expect(judgeOnce([due([1_000, true], [9_000, true], [20_000, true])], [lost], requestMs).twice).toHaveLength(1);
});

test.for([
  ['of another connection', { ...lost, connection: 'b' }],
  ['of an attempt begun after the first refresh', { ...lost, from: 1_100 }],
  ['that came after the second refresh', { ...lost, at: 9_001 }],
  ['of an attempt that was over long before', { ...lost, from: -9_000, at: -8_000 }],
] as const)('a loss %s excuses nothing', ([, other]) => {
  expect(judgeOnce([due([1_000, true], [9_000, true])], [other], requestMs).twice).toHaveLength(1);
});

test('a refusal by the provider is told', () => {
  const found = judgeOnce([due([1_000, true], [9_000, false])], [], requestMs);
  expect(found).toMatchObject({ once: 1, refused: ['a in round 1'] });
});
