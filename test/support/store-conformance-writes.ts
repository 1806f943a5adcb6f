/** What every store does alike when versions are put and labels moved. Part of the conformance suite. */
import { describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { codeOf, content, type Ground, text } from './store-fixture.ts';

const random = systemRandom();
const { current, previous, pending } = stage;

export function describeWrites({ store, newName, made, added, stagesOf }: Ground): void {
  describe('putting', () => {
    test('leaves AWSCURRENT where it is under a label of our own', async () => {
      const { name, first } = await made();
      const next = await added(name, [pending]);
      expect(await stagesOf(name)).toEqual({ [first]: [current], [next]: [pending] });
    });

    test('moves AWSCURRENT and lets AWSPREVIOUS follow when asked to', async () => {
      const { name, first } = await made();
      const second = await added(name, [current]);
      expect(await stagesOf(name)).toEqual({ [first]: [previous], [second]: [current] });
      const third = await added(name, [current]);
      expect(await stagesOf(name)).toEqual({ [second]: [previous], [third]: [current] });
    });

    test('keeps a label on one version only', async () => {
      const { name, first } = await made();
      await added(name, [pending]);
      const last = await added(name, [pending]);
      expect(await stagesOf(name)).toEqual({ [first]: [current], [last]: [pending] });
    });

    test('takes the same id and value again as a success that changes nothing', async () => {
      const { name, first } = await made();
      const versionId = random.uuid();
      const version = { versionId, value: text('same'), stages: [pending] };
      await store().put(name, version);
      await store().moveStage(name, { stage: current, to: versionId, from: first });
      const before = await stagesOf(name);
      await store().put(name, version);
      await store().put(name, { ...version, stages: ['ANOTHER'] });
      expect(await stagesOf(name)).toEqual(before);
    });

    test('refuses the same id with another value and keeps the first', async () => {
      const { name } = await made();
      const versionId = await added(name, [pending], text('kept'));
      const other = { versionId, value: text('other'), stages: [current] };
      expect(await codeOf(store().put(name, other))).toBe('store_version_exists');
      const bytes = { versionId, value: { binary: Buffer.from('kept') }, stages: [pending] };
      expect(await codeOf(store().put(name, bytes))).toBe('store_version_exists');
      expect(content((await store().read(name, { stage: pending })).value)).toBe('kept');
    });

    test('keeps every one of versions put at the same time', async () => {
      const { name, first } = await made();
      const ids = await Promise.all([1, 2, 3, 4, 5].map((i) => added(name, [`LABEL_${i}`], text(`value ${i}`))));
      const stages = Object.fromEntries(ids.map((id, i) => [id, [`LABEL_${i + 1}`]]));
      expect(await stagesOf(name)).toEqual({ [first]: [current], ...stages });
    });

    test('refuses every write to a secret that does not exist, and makes none', async () => {
      const absent = newName();
      expect(await codeOf(added(absent, [pending]))).toBe('store_not_found');
      const move = { stage: current, to: random.uuid(), from: random.uuid() };
      expect(await codeOf(store().moveStage(absent, move))).toBe('store_not_found');
      expect(await codeOf(store().tag(absent, { a: 'b' }))).toBe('store_not_found');
      expect(await codeOf(store().untag(absent, ['a']))).toBe('store_not_found');
      expect(await codeOf(store().describe(absent))).toBe('store_not_found');
    });
  });

  describe('moving a label', () => {
    test('swaps AWSCURRENT from where it is, and AWSPREVIOUS follows', async () => {
      const { name, first } = await made();
      const next = await added(name, [pending]);
      await store().moveStage(name, { stage: current, to: next, from: first });
      const stages = await stagesOf(name);
      expect(stages[first]).toEqual([previous]);
      expect([...(stages[next] ?? [])].sort()).toEqual([current, pending].sort());
    });

    test('changes nothing when the label is no longer where the caller saw it', async () => {
      const { name, first } = await made();
      const ours = await added(name, [pending]);
      await added(name, [current]);
      const before = await stagesOf(name);
      expect(await codeOf(store().moveStage(name, { stage: current, to: ours, from: first }))).toBe(
        'store_stage_moved',
      );
      expect(await codeOf(store().moveStage(name, { stage: current, to: ours }))).toBe('store_stage_moved');
      expect(await stagesOf(name)).toEqual(before);
    });

    test('lets exactly one of two swaps from the same version win', async () => {
      const { name, first } = await made();
      const rivals = [await added(name, ['RIVAL_1']), await added(name, ['RIVAL_2'])];
      const swaps = rivals.map((to) => codeOf(store().moveStage(name, { stage: current, to, from: first })));
      expect((await Promise.all(swaps)).sort()).toEqual(['store_stage_moved', undefined]);
      expect((await stagesOf(name))[first]).toEqual([previous]);
    });

    test('puts a label on a version that has none and takes it away again', async () => {
      const { name, first } = await made();
      const orphan = `${stage.orphanPrefix}abc`;
      await store().moveStage(name, { stage: orphan, to: first });
      expect((await store().read(name, { stage: orphan })).versionId).toBe(first);
      await store().moveStage(name, { stage: orphan, from: first });
      expect(await stagesOf(name)).toEqual({ [first]: [current] });
      expect(await codeOf(store().moveStage(name, { stage: orphan, from: first }))).toBe('store_stage_moved');
    });

    test('never takes AWSCURRENT away and never moves a label to a version that does not exist', async () => {
      const { name, first } = await made();
      expect(await codeOf(store().moveStage(name, { stage: current, from: first }))).toMatch(/^store_/);
      const nowhere = { stage: current, to: random.uuid(), from: first };
      expect(await codeOf(store().moveStage(name, nowhere))).toMatch(/^store_/);
      expect(await stagesOf(name)).toEqual({ [first]: [current] });
    });
  });
}
