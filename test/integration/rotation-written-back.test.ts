/**
 * The live token lies in a version that is not current: an older document came in between our put and our swap, or a person
 * moved a label back. It is found wherever it was kept, the spent one is not posted, and nobody is asked to consent again.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { expectWell, extended, startAcmeBench } from '../support/acme-bench.ts';
import { day, minute, type RotationBench, rigClient } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench();
});
afterEach(() => bench.stop());

const live = () => bench.sandbox.oracle.liveToken('acme');
const labelled = (label: string) =>
  bench.double.secrets.versions('acme').filter(({ stages }) => stages.some((one) => one.startsWith(label)));
const idWith = (label: string) => labelled(label)[0]?.versionId ?? '';
const tokenIn = (value: string | Buffer | undefined) =>
  (JSON.parse(String(value)) as Record<string, unknown>).refresh_token;

/** What would condemn `acme`, had its spent token been refused: a refusal, a sibling's success and a second refusal. */
async function rotatedWithASibling(): Promise<void> {
  bench.connect({ ...extended, connection: 'other' });
  await bench.inventory();
  await bench.rotate('acme');
  bench.clock.turn(20 * minute);
  expect(await bench.rotate('other', 'canary')).toMatchObject({ outcome: 'rotated' });
  bench.clock.turn(minute);
  await bench.rotate('acme');
  expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
  expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'rotated' });
  await expectWell(bench);
}

describe('a person breaks the JSON while our answer is on its way', () => {
  const whole = () => JSON.stringify(bench.document('acme'));

  async function brokenMeanwhile(): Promise<void> {
    const broken = `${whole().slice(0, -1)},}`;
    bench.at('swapping', () => void bench.double.secrets.put('acme', broken));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'orphaned' });
    expect(tokenIn(labelled(stage.orphanPrefix)[0]?.value)).toBe(live());
  }

  test('and mends it with the token of before: the live one is taken from the orphan', async () => {
    const before = whole();
    await brokenMeanwhile();
    bench.double.secrets.put('acme', before);
    await rotatedWithASibling();
  });

  test('and moves the label back to a version of ours: the live one is taken from the orphan', async () => {
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(12 * day);
    const to = idWith(stage.current);
    await brokenMeanwhile();
    bench.double.secrets.moveStage('acme', stage.current, { from: idWith(stage.current), to });
    await rotatedWithASibling();
  });
});

test('a document two generations old that is written back while we rotate gets our new token', async () => {
  const old = bench.document('acme');
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  bench.clock.turn(12 * day);
  bench.at('swapping', () => void bench.double.secrets.put('acme', JSON.stringify({ ...old, note: 'very late' })));
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', foreign: 'saved_other_field' });
  expect(bench.document('acme')).toMatchObject({ note: 'very late', refresh_token: live() });
  expect(labelled(stage.orphanPrefix)).toEqual([]);
  // What it did not know to be spent is known all the same: the same old document, once more, harms nobody.
  bench.double.secrets.put('acme', JSON.stringify(old));
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', foreign: 'restored_spent_token' });
  await expectWell(bench);
});

test('AWSCURRENT moved back by hand to the version before: the token of the last one is put there', async () => {
  for (let round = 0; round < 2; round++) {
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(12 * day);
  }
  const [from, to] = [idWith(stage.current), idWith(stage.previous)];
  bench.double.secrets.moveStage('acme', stage.current, { from, to });
  await rotatedWithASibling();
});

describe('a consent that came while we rotated, and left ours as an orphan', () => {
  let before: Record<string, unknown>;
  let consented = '';
  beforeEach(async () => {
    before = bench.document('acme');
    bench.at('answered', () => {
      const client = rigClient;
      consented = bench.sandbox.grants.create({ ...extended, connection: 'acme', client }).refreshToken;
      bench.save('acme', { refresh_token: consented, consented_at: new Date(bench.clock.now()).toISOString() });
    });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'orphaned' });
    expect(labelled(stage.orphanPrefix)).toHaveLength(1);
  });

  test('is the one that is refreshed: what the orphan holds stays where it is', async () => {
    bench.clock.turn(12 * day);
    await bench.inventory();
    const report = await bench.rotate('acme');
    expect(report).toMatchObject({ outcome: 'rotated' });
    expect(report.foreign).toBeUndefined();
    await expectWell(bench);
  });

  test.each([0, 1])('is what a spent token of before is replaced by, refreshed %i times meanwhile', async (times) => {
    bench.clock.turn(12 * day);
    for (let round = 0; round < times; round++)
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    const newest = bench.document('acme').refresh_token;
    bench.double.secrets.put('acme', JSON.stringify({ ...before, note: 'written late' }));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', foreign: 'restored_spent_token' });
    expect(bench.document('acme')).toMatchObject({ note: 'written late', refresh_token: newest });
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'rotated' });
    await expectWell(bench);
  });
});
