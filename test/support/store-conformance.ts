/**
 * What every SecretStore must do alike, as one suite: run for the AWS adapter against the double, for the file store, and
 * for any endpoint named by the environment. Each test makes secrets of its own under unique names, so that the suite can
 * be pointed at a real account.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SecretDescription, type SecretStore, stage } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { describeReads } from './store-conformance-reads.ts';
import { describeWrites } from './store-conformance-writes.ts';
import { type Ground, ground, type StoreUnderTest, text } from './store-fixture.ts';

const random = systemRandom();
const { current } = stage;

async function listed(store: SecretStore): Promise<ReadonlyMap<string, SecretDescription>> {
  const seen = new Map<string, SecretDescription>();
  for await (const page of store.list()) for (const secret of page) seen.set(secret.name, secret);
  return seen;
}

function describeTags({ target, store, made }: Ground, listLagMs: number): void {
  describe('tags and the list', () => {
    test('adds, replaces and removes tags without touching versions', async () => {
      const { name, first } = await made();
      await store().tag(name, { 'pilotlight:state': 'suspect', 'pilotlight:reason': 'invalid_grant' });
      await store().tag(name, { 'pilotlight:state': 'active' });
      await store().untag(name, ['pilotlight:reason', 'never-there']);
      const seen = await store().describe(name);
      expect(seen.tags).toEqual({ ...target().managedTags, 'pilotlight:state': 'active' });
      expect(seen.stages).toEqual({ [first]: [current] });
    });

    test('lists what is managed with its tags and labels, and nothing else', {
      timeout: 30_000 + listLagMs,
    }, async () => {
      const { name, first } = await made();
      const outside = `${target().unmanaged.namePrefix}${random.uuid()}`;
      await store().create(outside, text('not ours'), target().unmanaged.tags);
      const clock = systemClock();
      const until = clock.monotonic() + listLagMs;
      let seen = await listed(store());
      while (!seen.has(name) && clock.monotonic() < until) {
        await clock.sleep(5_000);
        seen = await listed(store());
      }
      expect(seen.get(name)).toMatchObject({ name, tags: target().managedTags, stages: { [first]: [current] } });
      expect(seen.has(outside)).toBe(false);
    });
  });
}

/** `listLagMs`: how long the store's list may lag behind; AWS says five minutes. */
export function describeStoreConformance(
  title: string,
  makeStore: () => Promise<StoreUnderTest>,
  { listLagMs = 0 }: { readonly listLagMs?: number } = {},
): void {
  describe(`${title} as a secret store`, () => {
    let made: StoreUnderTest | undefined;
    beforeAll(async () => {
      made = await makeStore();
    });
    afterAll(() => made?.close());
    const shared = ground(() => {
      if (made === undefined) throw new Error('the store under test is not there yet');
      return made;
    });
    describeReads(shared);
    describeWrites(shared);
    describeTags(shared, listLagMs);
  });
}
