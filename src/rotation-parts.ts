/**
 * What rotations of one process work with: its spool, and its ports over the services. Made in one way for the service,
 * its tests and its benches, so that what is tested is what runs.
 */
import type { Config } from '../config/derive.ts';
import { rotationSettings } from './derive-settings.ts';
import { createLeases } from './queue/leases.ts';
import { createPermits } from './queue/permits.ts';
import type { RotationPorts } from './rotation/attempt.ts';
import { createStoreTrust } from './rotation/store-trust.ts';
import type { Closers } from './runtime/closers.ts';
import type { Services } from './services.ts';
import { type DiskSpool, openDiskSpool } from './spool/disk.ts';
import { loadKeyring } from './spool/keys.ts';

/** Opens this process's spool and tells of every record in it that cannot be read. */
export async function openSpool(config: Config, services: Services, closers: Closers): Promise<DiskSpool> {
  const { random, inKubernetes } = services.deps;
  const { directory, keys, answerBytes } = config.spool;
  const keyring = await loadKeyring({ ...keys, createFirst: !inKubernetes, random });
  const spool = await openDiskSpool({
    directory,
    keyring,
    install: config.environment,
    answerSpaceBytes: answerBytes,
    random,
  });
  closers.push('spool', () => spool.close());
  for (const record of spool.unreadable()) services.deps.log.error('spool.unreadable', { ...record });
  return spool;
}

/** The parts a rotation works with; one process has one set of them. */
export function rotationPorts(services: Services, spool: DiskSpool): RotationPorts {
  const { config, deps, prefix, redis } = services;
  const { clock, random, log } = deps;
  const { leaseMs } = rotationSettings(config);
  return {
    ...services,
    clock,
    random,
    spool,
    leases: createLeases({ redis: redis.redis, prefix, clock, random, logger: log, leaseMs }),
    permits: createPermits({ redis: redis.redis, prefix, clock, writesPerSecond: writesPerSecond(config) }),
    trust: createStoreTrust(),
  };
}

/** Files have no quota. */
function writesPerSecond({ store }: Config): number {
  return store.kind === 'aws' ? store.aws.writesPerSecond : Number.POSITIVE_INFINITY;
}
