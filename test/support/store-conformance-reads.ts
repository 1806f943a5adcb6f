/** What every store does alike when secrets are made and read. Part of the conformance suite. */
import { describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import type { PilotlightError } from '../../src/runtime/errors.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { codeOf, content, type Ground, printed, text } from './store-fixture.ts';

const random = systemRandom();
const { current, pending } = stage;

export function describeReads({ target, store, newName, made, added, stagesOf }: Ground): void {
  describe('values', () => {
    test.each([
      ['a byte order mark, CR LF and a trailing newline', '\uFEFF{"a":1}\r\n\n'],
      ['duplicate keys and odd spacing', '{ "a":1,\t"a":2, "__proto__":{} }'],
      ['text that is not JSON', 'not json at all {"'],
      ['letters outside ASCII', '{"name":"Zoë 漢字 🔑"}'],
    ])('gives text back exactly as it was written: %s', async (_, written) => {
      const { name } = await made(text(written));
      expect(content((await store().read(name, { stage: current })).value)).toBe(written);
    });

    test('gives bytes back as bytes', async () => {
      const bytes = Buffer.from([0, 255, 254, 10, 0, 200]);
      const { name } = await made({ binary: bytes });
      const { value } = await store().read(name, { stage: current });
      expect('binary' in value && value.binary.equals(bytes)).toBe(true);
    });

    test('takes a value of 65,536 bytes and refuses one more byte, without making a version', async () => {
      const { name } = await made();
      await added(name, ['FULL'], text('é'.repeat(32_768)));
      const before = await stagesOf(name);
      expect(await codeOf(added(name, [pending], text(`x${'é'.repeat(32_768)}`)))).toBe('store_invalid');
      expect(await stagesOf(name)).toEqual(before);
    });

    test('never puts a value into an error', async () => {
      const { name, first } = await made(text('canary-token-in-store'));
      const failing = [
        store().put(name, { versionId: first, value: text('canary-token-in-call'), stages: [pending] }),
        store().create(name, text('canary-token-in-call'), {}),
        added(name, [pending], text('canary-token-'.repeat(6_000))),
      ];
      for (const result of await Promise.allSettled(failing)) {
        expect(result.status).toBe('rejected');
        if (result.status === 'rejected') expect(printed(result.reason)).not.toMatch(/canary/);
      }
    });
  });

  describe('creating', () => {
    test('makes the value AWSCURRENT and keeps the tags', async () => {
      const { name, first } = await made();
      const seen = await store().describe(name);
      expect(seen).toMatchObject({ name, stages: { [first]: [current] } });
      expect(seen.tags).toMatchObject(target().managedTags);
      expect(seen.deletedAt).toBeUndefined();
      expect(seen.primaryRegion).toBeUndefined();
    });

    test('refuses a name that is taken and leaves what is there', async () => {
      const { name, first } = await made();
      expect(await codeOf(store().create(name, text('other'), {}))).toBe('store_exists');
      expect((await store().read(name, { stage: current })).versionId).toBe(first);
    });
  });

  describe('reading', () => {
    test('finds a version by label and by id', async () => {
      const { name, first } = await made(text('one'));
      const next = await added(name, [pending], text('two'));
      expect(content((await store().read(name, { stage: pending })).value)).toBe('two');
      expect(content((await store().read(name, { versionId: first })).value)).toBe('one');
      expect(await store().read(name, { versionId: next })).toMatchObject({ versionId: next, stages: [pending] });
    });

    test('says store_not_found for a missing secret, label and version', async () => {
      const { name } = await made();
      const absent = newName();
      expect(await codeOf(store().read(absent, { stage: current }))).toBe('store_not_found');
      expect(await codeOf(store().describe(absent))).toBe('store_not_found');
      expect(await codeOf(store().versions(absent))).toBe('store_not_found');
      expect(await codeOf(store().read(name, { stage: pending }))).toBe('store_not_found');
      expect(await codeOf(store().read(name, { versionId: random.uuid() }))).toBe('store_not_found');
    });

    test('names the secret in the error', async () => {
      const absent = newName();
      await expect(store().read(absent, { stage: current })).rejects.toThrow(absent);
    });

    test('reads many at once in the order asked, and a missing one fails no other', async () => {
      const names: string[] = [];
      for (let i = 0; i < 22; i++) names.push((await made(text(`value ${i}`))).name);
      const asked = [...names.slice(0, 10), newName(), ...names.slice(10), names[3] ?? ''];
      const found = await store().readMany(asked);
      const shown = found.map((item) => (item instanceof Error ? (item as PilotlightError).code : content(item.value)));
      const values = names.map((_, i) => `value ${i}`);
      expect(shown).toEqual([...values.slice(0, 10), 'store_not_found', ...values.slice(10), 'value 3']);
    });

    test('reads none and one of many', async () => {
      const { name, first } = await made();
      expect(await store().readMany([])).toEqual([]);
      expect(await store().readMany([name])).toMatchObject([{ versionId: first }]);
      const [error] = await store().readMany([newName()]);
      expect(error).toMatchObject({ code: 'store_not_found' });
    });

    test('lists versions with and without labels, and when they were made', async () => {
      const { name, first } = await made();
      const second = await added(name, [pending]);
      const third = await added(name, [pending]);
      const versions = await store().versions(name);
      const stages = Object.fromEntries(versions.map((version) => [version.versionId, version.stages]));
      expect(stages).toEqual({ [first]: [current], [second]: [], [third]: [pending] });
      for (const version of versions) expect(version.createdAt).toBeGreaterThan(0);
    });
  });
}
