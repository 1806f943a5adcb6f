/**
 * The checks of `pilotlight doctor`: what must hold for the service to do its work, each with its fix and within a limit, so
 * that one that hangs hides no other. Nothing is changed, no token is spent and nobody is told anything.
 */
import type { Diagnosis } from './cli/context.ts';
import { diagnoseFiles } from './diagnose-files.ts';
import { diagnoseChannels, diagnoseProviders } from './diagnose-outside.ts';
import { diagnoseRedis } from './diagnose-redis.ts';
import { diagnoseStore } from './diagnose-store.ts';
import { readLamps } from './overview.ts';
import { atMost } from './runtime/clock.ts';
import { describeError, PilotlightError } from './runtime/errors.ts';
import type { Services } from './services.ts';

/** What a check found: its detail alone where all is well. */
export type Finding = string | Omit<Diagnosis, 'name'>;
export type Check = readonly [name: string, look: () => Promise<Finding>];

/** Longest for one check, ms: a store's whole request limit, and a little more. */
const checkMsMax = 15_000;

export async function* diagnose(services: Services): AsyncGenerator<Diagnosis> {
  const { config, registry } = services;
  yield {
    name: 'configuration',
    state: 'ok',
    detail: `store ${config.store.kind}, environment ${config.environment}, ${Object.keys(config.providers).length} providers`,
  };
  yield* inOrder(services, diagnoseFiles(services));
  yield* inOrder(services, [['redis', () => diagnoseRedis(services)]]);
  yield* inOrder(services, diagnoseStore(services));
  yield* inOrder(
    services,
    Object.keys(config.clients).map(
      (client): Check => [
        `client ${client}`,
        async () => {
          const { previousClientSecret } = await registry.credentials(client);
          return previousClientSecret === undefined ? 'credentials found' : 'credentials found, a previous secret too';
        },
      ],
    ),
  );
  yield* inOrder(services, await diagnoseProviders(services));
  yield* inOrder(services, diagnoseChannels(services));
  yield* inOrder(services, [['scheduler', () => scheduler(services)]]);
}

async function* inOrder({ deps }: Services, checks: readonly Check[]): AsyncGenerator<Diagnosis> {
  for (const [name, look] of checks) yield await checked(deps.clock, name, look);
}

async function checked(clock: Services['deps']['clock'], name: string, look: Check[1]): Promise<Diagnosis> {
  try {
    const found = await atMost(clock, checkMsMax, look(), undefined);
    if (found === undefined) throw overdue();
    return typeof found === 'string' ? { name, state: 'ok', detail: found } : { name, ...found };
  } catch (error) {
    const { code, message } = describeError(error);
    return { name, state: 'fail', detail: code, ...(message === undefined ? {} : { fix: message }) };
  }
}

/** No error of a store or of Redis, whose own limits are shorter: something between us and it swallows what we send. */
function overdue(): PilotlightError {
  return new PilotlightError('refused', `no answer within ${checkMsMax / 1_000} s: check network policies`);
}

/** A sweep this much later than it should be is no hiccup. */
const silentMsMin = 60_000;

async function scheduler(services: Services): Promise<Finding> {
  const sweep = (await readLamps(services)).find(({ name }) => name === 'sweep');
  if (sweep === undefined || sweep.lastAt === null)
    return {
      state: 'warn',
      detail: 'no sweep seen',
      fix: 'right after an install it may only have to start; otherwise look at the scheduler’s log',
    };
  const ageMs = services.deps.clock.now() - sweep.lastAt;
  const detail = `last sweep ${Math.round(ageMs / 1_000)} s ago`;
  if (ageMs <= Math.max(silentMsMin, 3 * sweep.everyMs)) return detail;
  return { state: 'fail', detail, fix: 'no scheduler runs, or its Redis is another one: look at its log and /readyz' };
}
