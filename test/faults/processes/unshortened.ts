/** SIGKILL with the settings of production, nothing shortened: how long answers on the disk take to be in the store. */
import { createChronicle } from './chronicle.ts';
import { pointOf } from './points.ts';
import { comeToRest } from './rest.ts';
import type { Tally } from './tally.ts';
import { until, within } from './within.ts';
import { createWorld } from './world.ts';

export const word = 'unshortened';

/** What DESIGN.md promises of recovery after kill -9. */
const recoveryMsMax = 60_000;
/** A lease of production and more, so that what takes too long is measured and not only said to. */
const restMsMax = 300_000;
const connections = ['customers/one', 'customers/two', 'customers/three'];

export async function runUnshortened(tally: Tally): Promise<void> {
  const world = await createWorld({ defaults: true });
  const chronicle = createChronicle(world);
  try {
    for (const connection of connections) world.connect(connection, 'strict');
    const name = 'pod-0';
    const held = connections.map((connection) => pointOf('put-received').arm(world, { name }, connection));
    const worker = world.start({ name });
    const reached = await within(Promise.all(held.map((one) => one.reached)), 120_000);
    if (!reached) tally.fail('other', 'the worker never came to its puts', word);
    tally.add('kills');
    tally.add('namedKills');
    const death = await chronicle.kill(worker, true);
    for (const one of held) one.release('drop');
    const successor = world.start({ name });
    death.successorAt = successor.startedAt;
    const isCurrent = (connection: string) =>
      world.document(connection).refresh_token === world.sandbox.oracle.liveToken(connection);
    await until(() => connections.every(isCurrent), restMsMax);
    const tookMs = Date.now() - successor.startedAt;
    if (death.owed.length !== connections.length) tally.fail('other', 'not every answer was sealed', word);
    if (tookMs > recoveryMsMax)
      tally.fail('other', `recovery took ${Math.round(tookMs / 1_000)} s with the settings of production`, word);
    await comeToRest({ world, chronicle, named: { tally, replay: word } });
  } finally {
    await world.close();
  }
}
