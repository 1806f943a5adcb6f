/** The simulated Secrets Manager does what every real store does, lags and fails as AWS does, and hides nothing from oracles. */
import { beforeEach, describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import type { Calls } from '../faults/sim/call.ts';
import { createSimStore, type SimStore } from '../faults/sim/store.ts';
import { describeStoreConformance } from '../support/store-conformance.ts';
import { codeOf, managedTags, text } from '../support/store-fixture.ts';

const random = seededRandom(3);
const plainly: Calls = async (call) => call.effect();
const day = 86_400_000;
const name = 'connections/acme';
const [first, second, third] = [random.uuid(), random.uuid(), random.uuid()];
let nowMs = 0;

function newStore(isListed?: (name: string) => boolean): SimStore {
  return createSimStore({ now: () => nowMs, monotonic: () => nowMs, ...(isListed === undefined ? {} : { isListed }) });
}

describeStoreConformance('the simulated Secrets Manager', async () => {
  nowMs = 1_000;
  const store = newStore((listed) => listed.startsWith('managed/'));
  return {
    store: {
      ...store.bind(plainly),
      async create(made, value, tags) {
        if (store.has(made)) throw new PilotlightError('store_exists', `there is a secret ${made}`);
        store.create(made, random.uuid(), 'text' in value ? value.text.reveal() : value.binary, tags);
      },
    },
    namePrefix: 'managed/',
    managedTags,
    unmanaged: { namePrefix: 'outside/', tags: {} },
    close: async () => {},
  };
});

describe('beyond what all stores do alike', () => {
  let store: SimStore;
  beforeEach(() => {
    nowMs = 1_000;
    store = newStore();
    store.create(name, first, 'one', managedTags);
  });

  test("an application's plain put moves AWSCURRENT away from whoever had it", () => {
    store.put(name, second, 'two');
    store.put(name, third, 'three');
    expect(store.labelled(name).map(({ versionId, stages }) => [versionId, stages])).toEqual([
      [second, [stage.previous]],
      [third, [stage.current]],
    ]);
    expect(store.version(name, first)).toMatchObject({ versionId: first, stages: [] });
    expect(store.current(name)?.versionId).toBe(third);
  });

  test('versions without a label go once there are more than a hundred, and none before it is a day old', async () => {
    const bound = store.bind(plainly);
    for (let made = 0; made < 120; made++) store.put(name, random.uuid(), `value ${made}`);
    expect(await bound.versions(name)).toHaveLength(121);
    nowMs += day;
    store.put(name, second, 'a day later');
    expect(await bound.versions(name)).toHaveLength(100);
    expect(store.version(name, first)).toBeUndefined();
  });

  test.each([
    ['down', 'store_unavailable'],
    ['throttled', 'store_throttled'],
    ['denied', 'store_denied'],
  ] as const)('while it is %s every call fails with %s and changes nothing', async (outage, code) => {
    const bound = store.bind(plainly);
    const before = JSON.stringify(store.digest());
    store.outage = outage;
    const put = { versionId: second, value: text('two'), stages: [stage.pending] };
    const all = [
      bound.describe(name),
      bound.readMany([name]),
      bound.put(name, put),
      bound.list()[Symbol.asyncIterator]().next(),
    ];
    expect(await Promise.all(all.map((call) => codeOf(call)))).toEqual([code, code, code, code]);
    expect(store.refused[outage]).toBe(4);
    store.outage = undefined;
    expect(JSON.stringify(store.digest())).toBe(before);
  });

  test('an outage of writing alone lets everything be read', async () => {
    const bound = store.bind(plainly);
    store.writeOutage = 'denied';
    expect(await codeOf(bound.read(name, { stage: stage.current }))).toBeUndefined();
    expect(await codeOf(bound.tag(name, { a: 'b' }))).toBe('store_denied');
    expect(await codeOf(bound.moveStage(name, { stage: 'ANY', to: first }))).toBe('store_denied');
  });

  test('a list that lags shows what was true before, and nothing of a secret made since', async () => {
    const shown = async () => {
      const pages = [];
      for await (const page of store.bind(plainly).list()) pages.push(...page);
      return pages.map(({ stages }) => stages);
    };
    store.listLagMs = 60_000;
    expect(await shown()).toEqual([]);
    nowMs += 60_000;
    store.put(name, second, 'two');
    expect(await shown()).toEqual([{ [first]: [stage.current] }]);
    nowMs += 60_000;
    expect(await shown()).toEqual([{ [first]: [stage.previous], [second]: [stage.current] }]);
  });

  test('a secret scheduled for deletion is described as such, neither read nor written nor listed, until it is restored', async () => {
    const bound = store.bind(plainly);
    store.remove(name, nowMs);
    expect((await bound.describe(name)).deletedAt).toBe(nowMs);
    expect(await codeOf(bound.read(name, { stage: stage.current }))).toBe('store_deleted');
    expect(await codeOf(bound.tag(name, { a: 'b' }))).toBe('store_deleted');
    for await (const page of bound.list()) expect(page).toEqual([]);
    store.restore(name);
    expect(await codeOf(bound.read(name, { stage: stage.current }))).toBeUndefined();
  });

  test('a call whose answer is lost is told to be of unknown effect', async () => {
    const lost: string[] = [];
    const bound = store.bind(async (call) => {
      call.effect();
      lost.push(call.name);
      return call.failed();
    });
    const put = { versionId: second, value: text('two'), stages: [stage.pending] };
    expect(await codeOf(bound.put(name, put))).toBe('store_unavailable');
    expect([lost, store.version(name, second)?.stages]).toEqual([['store.put'], [stage.pending]]);
  });

  test('one list, one batch and one page of versions is one call each, named for replays', async () => {
    const asked: string[] = [];
    const bound = store.bind(async (call) => {
      asked.push(`${call.name} ${call.about}`);
      return call.effect();
    });
    for await (const page of bound.list()) expect(page).toHaveLength(1);
    await bound.readMany(Array.from({ length: 21 }, () => name));
    await bound.versions(name);
    expect(asked.map((call) => call.split(' ')[0])).toEqual([
      'store.list',
      'store.readMany',
      'store.readMany',
      'store.versions',
    ]);
  });
});
