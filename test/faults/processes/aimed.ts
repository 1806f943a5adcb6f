/** SIGKILL at each named point; then a successor on the same disk, or a new pod that has nothing but Redis. */
import { createChronicle } from './chronicle.ts';
import { inRecovery, type Point, pointOf, points } from './points.ts';
import { comeToRest, type RestOptions, settle } from './rest.ts';
import type { Tally } from './tally.ts';
import { within } from './within.ts';
import { createWorld, type KindName } from './world.ts';

export interface AimedCase {
  /** The last one is reached by the successor of the first. */
  readonly points: readonly Point[];
  /** `same`: the disk is found again. `gone`: it went with its pod. `late`: it comes back once another pod has finished. */
  readonly disk: 'same' | 'gone' | 'late';
  readonly kind: KindName;
}

const pointMsMax = 120_000;

export function wordOf(one: AimedCase): string {
  return `kill/${one.points.map(({ name }) => name).join('+')}/${one.disk}/${one.kind}`;
}

export function readAimed(word: string): AimedCase {
  const [, names = '', disk, kind] = word.split('/');
  return { points: names.split('+').map(pointOf), disk: disk as AimedCase['disk'], kind: kind as KindName };
}

/** Second deaths during recovery: where the first left an answer, at what its successor does with it. */
const pairs: readonly (readonly [string, string])[] = [
  ['answer-whole', 'requested'],
  ['record-sealed', 'put-received'],
  ['put-received', 'put-applied'],
  ['put-applied', 'swap-received'],
  ['swap-received', 'swap-applied'],
  ['mirror-answer-done', 'mirror-drop-sent'],
];

export function aimedCases(mode: 'quick' | 'usual' | 'long'): readonly AimedCase[] {
  const wide = (point: Point): readonly KindName[] => {
    if (mode === 'long') return ['strict', 'grace', 'family', 'familyGrace', 'kept'];
    return point.committed ? ['strict', 'familyGrace'] : ['family'];
  };
  const singles = points.flatMap((point) =>
    (['same', 'gone'] as const).flatMap((disk) =>
      wide(point).map((kind): AimedCase => ({ points: [point], disk, kind })),
    ),
  );
  if (mode === 'quick')
    return singles.filter(
      ({ points: [point], kind }) => kind === 'strict' && /sealed|swap-applied/.test(point?.name ?? ''),
    );
  const doubles = pairs.flatMap((pair) =>
    (['same', 'gone'] as const).map((disk): AimedCase => ({ points: pair.map(pointOf), disk, kind: 'grace' })),
  );
  const late = ['committed', 'record-sealed', 'mirror-answer-done', 'put-applied', 'swap-applied'].flatMap((name) =>
    (['grace', 'kept'] as const).map((kind): AimedCase => ({ points: [pointOf(name)], disk: 'late', kind })),
  );
  return [...late, ...singles, ...doubles];
}

const connection = 'customers/aimed';

export async function runAimed(one: AimedCase, tally: Tally): Promise<void> {
  const replay = wordOf(one);
  const world = await createWorld();
  const chronicle = createChronicle(world);
  try {
    world.connect(connection, one.kind);
    let pod = 0;
    let recovering: Awaited<ReturnType<typeof chronicle.kill>> | undefined;
    for (const point of one.points) {
      const name = `pod-${pod}`;
      const armed = (recovering === undefined ? point : inRecovery(point)).arm(world, { name }, connection);
      const worker = world.start({ name });
      if (recovering !== undefined) recovering.successorAt = worker.startedAt;
      if (!(await within(armed.reached, pointMsMax))) {
        tally.fail('other', `the worker never came to ${point.name}: ${worker.printed().slice(-400)}`, replay);
        armed.release('drop');
        return;
      }
      tally.add('kills');
      tally.add('namedKills');
      tally.reach(`killed at ${point.name}`);
      recovering = await chronicle.kill(worker, one.disk === 'same');
      armed.release('drop');
      if (one.disk !== 'same') pod += 1;
    }
    const successor = world.start({ name: `pod-${pod}` });
    if (recovering !== undefined) recovering.successorAt = successor.startedAt;
    if (one.disk === 'late') await bringBackDisk({ world, chronicle, named: { tally, replay } });
    await comeToRest({ world, chronicle, named: { tally, replay } });
  } finally {
    await world.close();
  }
}

/** A start and two looks at the spool, on a busy machine. */
const settledMsMax = 60_000;

/** What the disk still says was settled by another pod since: it is taken for that, and nothing is spent or overwritten. */
async function bringBackDisk(options: RestOptions): Promise<void> {
  const { world, named } = options;
  await settle(options);
  if (world.customers.get(connection) === 'grace') world.applicationRefreshes(connection);
  const spends = () => world.sandbox.oracle.presentations(connection).filter(({ by }) => by === 'service').length;
  const before = spends();
  world.start({ name: 'pod-0' });
  for (const { why } of await settle({ ...options, withinMs: settledMsMax }))
    named.tally.fail('other', `what a disk that came back says is not taken for finished: ${why}`, named.replay);
  if (spends() > before)
    named.tally.fail('other', `a disk that came back cost ${spends() - before} refreshes nobody needed`, named.replay);
}
