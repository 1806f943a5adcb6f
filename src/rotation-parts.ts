/**
 * What rotations of one process work with: its spool, and its ports over the services. Made in one way for the service,
 * its tests and its benches, so that what is tested is what runs.
 */
import type { Config } from '../config/derive.ts';
import { rotationSettings } from './derive-settings.ts';
import { createLeases } from './queue/leases.ts';
import { createPermits } from './queue/permits.ts';
import { createSpoolMirror } from './queue/spool-mirror.ts';
import type { RotationPorts } from './rotation/attempt.ts';
import type { Spool } from './rotation/ports.ts';
import { createStoreTrust } from './rotation/store-trust.ts';
import type { Closers } from './runtime/closers.ts';
import type { Services } from './services.ts';
import { openDiskSpool } from './spool/disk.ts';
import { openDiskFiles } from './spool/disk-files.ts';
import { loadKeyring } from './spool/keys.ts';
import { type MirroredSpool, mirroredSpool } from './spool/mirrored.ts';

/** What a spool is made of: this machine's folder, the mirror, and the keys that open both. Nothing in it is read yet. */
export async function spoolParts(config: Config, { deps, redis, prefix }: Services) {
  const { random, inKubernetes } = deps;
  const { directory, keys, answerBytes } = config.spool;
  return {
    keyring: await loadKeyring({ ...keys, createFirst: !inKubernetes, random }),
    install: config.environment,
    files: await openDiskFiles(directory),
    answerSpaceBytes: answerBytes,
    random,
    mirror: createSpoolMirror({ redis: redis.redis, prefix }),
  };
}

/** Opens this process's spool and tells of every record in it that cannot be read. */
export async function openSpool(config: Config, services: Services, closers: Closers): Promise<MirroredSpool> {
  const parts = await spoolParts(config, services);
  const spool = mirroredSpool({ ...parts, disk: await openDiskSpool(parts) });
  closers.push('spool', () => spool.close());
  for (const record of spool.unreadable()) services.deps.log.error('spool.unreadable', { ...record });
  for (const { connection, attempt } of spool.torn) services.deps.log.warn('spool.torn', { connection, attempt });
  return spool;
}

/** The parts a rotation works with; one process has one set of them. */
export function rotationPorts(services: Services, spool: Spool): RotationPorts {
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
