/** The checks of `pilotlight doctor`: what must hold for the service to do its work, each with its fix. */
import type { Diagnosis } from './cli/context.ts';
import { checkSuitable } from './queue/redis.ts';
import { describeError } from './runtime/errors.ts';
import { silentLogger } from './runtime/logger.ts';
import type { Services } from './services.ts';

export async function* diagnose(services: Services): AsyncGenerator<Diagnosis> {
  const { config, redis, store, registry, deps } = services;
  yield {
    name: 'configuration',
    state: 'ok',
    detail: `store ${config.store.kind}, environment ${config.environment}, ${Object.keys(config.providers).length} providers`,
  };
  yield await check('redis', async () => {
    const startedMs = deps.clock.monotonic();
    if (!(await redis.ping())) throw new Error('no answer');
    await checkSuitable(redis.redis, silentLogger);
    return `answers in ${Math.round(deps.clock.monotonic() - startedMs)} ms, evicts nothing`;
  });
  let first: string | undefined;
  yield await check('store: list', async () => {
    for await (const page of store.list()) {
      first = page[0]?.name;
      if (first !== undefined) break;
    }
    return first === undefined ? 'no managed secret found: add one with pilotlight import' : 'managed secrets found';
  });
  if (first !== undefined) {
    const name = first;
    yield await check('store: read', async () => {
      await store.describe(name);
      await store.read(name, { stage: 'AWSCURRENT' });
      return 'DescribeSecret and GetSecretValue allowed; the right to write is proven by a write before the first refresh';
    });
  }
  for (const client of Object.keys(config.clients)) {
    yield await check(`client ${client}`, async () => {
      const { previousClientSecret } = await registry.credentials(client);
      return previousClientSecret === undefined ? 'credentials found' : 'credentials found, a previous secret too';
    });
  }
  const lamps = await services.lamps.read().catch(() => new Map<string, number>());
  const sweptAt = lamps.get('sweep');
  if (sweptAt === undefined)
    yield { name: 'scheduler', state: 'warn', detail: 'no sweep seen', fix: 'start the service: npm start' };
  else {
    const age = Math.round((deps.clock.now() - sweptAt) / 1_000);
    yield age > 60
      ? { name: 'scheduler', state: 'fail', detail: `last sweep ${age} s ago`, fix: 'look at the scheduler’s log' }
      : { name: 'scheduler', state: 'ok', detail: `last sweep ${age} s ago` };
  }
}

async function check(name: string, look: () => Promise<string>): Promise<Diagnosis> {
  try {
    return { name, state: 'ok', detail: await look() };
  } catch (error) {
    const { code, message } = describeError(error);
    return { name, state: 'fail', detail: code, ...(message === undefined ? {} : { fix: message }) };
  }
}
