/**
 * A worker that is stopped beyond its lease in the middle of a rotation, and goes on as if nothing had happened, after
 * another one took over and the application stored something newer still.
 */
import { createChronicle } from './chronicle.ts';
import { pointOf } from './points.ts';
import { comeToRest } from './rest.ts';
import type { Tally } from './tally.ts';
import { until, within } from './within.ts';
import { createWorld, type KindName, leaseMs } from './world.ts';

export interface StopCase {
  readonly point: string;
  readonly kind: KindName;
  /** What was held back at the point: goes on once the worker does, or never was. */
  readonly held: 'go' | 'drop';
  /** Before it goes on the application refreshes as well and stores what it got. */
  readonly application: boolean;
}

/** Where the token was spent, the other worker tries it once more: only a provider that forgives leaves anything to keep. */
export const stopCases: readonly StopCase[] = [
  { point: 'record-made', kind: 'strict', held: 'go', application: false },
  { point: 'last-look', kind: 'strict', held: 'drop', application: false },
  { point: 'committed', kind: 'grace', held: 'go', application: true },
  { point: 'committed', kind: 'strict', held: 'go', application: false },
  { point: 'answer-half', kind: 'strict', held: 'go', application: false },
  { point: 'answer-whole', kind: 'strict', held: 'go', application: false },
  { point: 'answer-whole', kind: 'grace', held: 'go', application: true },
  { point: 'record-sealed', kind: 'strict', held: 'go', application: true },
  { point: 'put-received', kind: 'strict', held: 'drop', application: true },
  { point: 'put-applied', kind: 'family', held: 'drop', application: true },
  { point: 'swap-received', kind: 'strict', held: 'drop', application: true },
  { point: 'swap-applied', kind: 'family', held: 'drop', application: true },
];

export function wordOf({ point, kind, held, application }: StopCase): string {
  return `stop/${point}/${kind}/${held}${application ? '/application' : ''}`;
}

export function readStop(word: string): StopCase {
  const [, point = '', kind, held, application] = word.split('/');
  return { point, kind: kind as KindName, held: held as 'go' | 'drop', application: application !== undefined };
}

const connection = 'customers/stopped';
const reachMsMax = 120_000;
/** The lease has to run out, then comes the second try. */
const takeOverMsMax = leaseMs + 120_000;

export async function runStop(one: StopCase, tally: Tally): Promise<void> {
  const replay = wordOf(one);
  const world = await createWorld();
  const chronicle = createChronicle(world);
  try {
    world.connect(connection, one.kind);
    const armed = pointOf(one.point).arm(world, { name: 'stopped' }, connection);
    const stopped = world.start({ name: 'stopped' });
    const reached = await within(armed.reached, reachMsMax);
    stopped.signal('SIGSTOP');
    if (!reached) {
      tally.fail('other', `the worker never came to ${one.point}`, replay);
      return;
    }
    tally.add('stops');
    if (one.held === 'go') armed.release('go');
    chronicle.excuse(connection, 'stopped');
    const other = world.start({ name: 'other' });
    // Either it finished what the stopped one began, or it tried the token once more.
    const tookOver = () =>
      other
        .lines()
        .some(
          (line) => line.connection === connection && ['rotation.rotated', 'rotation.suspect'].includes(line.event),
        ) || world.document(connection).refresh_token === world.sandbox.oracle.liveToken(connection);
    if (!(await until(tookOver, takeOverMsMax))) {
      tally.fail('other', 'the other worker did not take over in time', replay);
      return;
    }
    await until(() => performance.now() - stopped.startedMs > leaseMs + 2_000, leaseMs + 5_000);
    // It refreshes with what it finds in the store.
    const live = world.sandbox.oracle.liveToken(connection);
    if (one.application && world.document(connection).refresh_token === live) world.applicationRefreshes(connection);
    if (one.held === 'drop') armed.release('drop');
    stopped.signal('SIGCONT');
    await comeToRest({ world, chronicle, named: { tally, replay } });
  } finally {
    await world.close();
  }
}
