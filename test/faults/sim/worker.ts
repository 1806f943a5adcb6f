/**
 * One life of a worker's process in the simulated world: the real protocol over bound ports, made of the same parts as
 * src/rotation-parts.ts makes it of. Whatever it does are the jobs of `jobs/`, called as cron and queue would.
 */
import { recoverJob } from '../../../jobs/recover.ts';
import { runRefresh } from '../../../jobs/refresh.ts';
import type { JudgeRules } from '../../../src/connection/standing.ts';
import type { RotationPorts } from '../../../src/rotation/attempt.ts';
import type { RotationReport } from '../../../src/rotation/outcome.ts';
import type { SecretStore } from '../../../src/rotation/ports.ts';
import type { RotationSettings } from '../../../src/rotation/settings.ts';
import { createStoreTrust } from '../../../src/rotation/store-trust.ts';
import { type Logger, silentLogger } from '../../../src/runtime/logger.ts';
import { type InventoryMemory, type InventoryResult, takeInventory } from '../../../src/schedule/inventory.ts';
import type { RefreshJob, RefreshReason } from '../../../src/schedule/ports.ts';
import { type SweepResult, type SweepSettings, sweep } from '../../../src/schedule/sweep.ts';
import { type ClientSource, createClientRegistry } from '../../../src/secrets/clients.ts';
import { openDiskSpool } from '../../../src/spool/disk.ts';
import type { Keyring } from '../../../src/spool/keyring.ts';
import { type MirroredSpool, mirroredSpool } from '../../../src/spool/mirrored.ts';
import type { Calls } from './call.ts';
import type { SimDisk } from './files.ts';
import type { Actor } from './kernel.ts';
import type { SimProvider } from './provider.ts';
import type { SimQueues } from './queues.ts';
import type { RedisPorts, SimRedis } from './redis.ts';

/** What every worker of one install is made of. */
export interface WorkerParts {
  readonly store: { bind(calls: Calls): SecretStore };
  readonly provider: Pick<SimProvider, 'bind'>;
  readonly redis: SimRedis;
  readonly queues: SimQueues;
  readonly rules: JudgeRules;
  readonly settings: RotationSettings;
  readonly sweepSettings: SweepSettings;
  readonly keyring: Keyring;
  /** Name of the install's environment. */
  readonly install: string;
  readonly answerSpaceBytes: number;
  readonly clients: Readonly<Record<string, ClientSource>>;
  readonly nameOf: (id: string) => string;
  readonly idOf: (name: string) => string | undefined;
  /** Told of every report, in the order they were accounted for. */
  readonly observe: (report: RotationReport, by: string) => void;
  readonly log?: Logger;
}

export interface SimWorker {
  /** Of this life: `w1.2` is the second of worker w1. */
  readonly name: string;
  readonly actor: Actor;
  readonly disk: SimDisk;
  /** Undefined until its spool is open. */
  readonly spool: () => MirroredSpool | undefined;
  /** One refresh job. */
  rotate(connection: string, reason?: RefreshReason, signal?: AbortSignal): Promise<RotationReport>;
  /** The job of that name, once. */
  recover(): Promise<void>;
  inventory(): Promise<InventoryResult>;
  sweep(): Promise<SweepResult>;
  /** Takes one job from a provider's queue and does it; undefined when there is none. */
  work(provider: string): Promise<RotationReport | undefined>;
  /** The process ends as with SIGKILL. */
  kill(): void;
  /** SIGSTOP, and SIGCONT after so long. */
  stop(ms: number): void;
}

interface Opened {
  readonly ports: RotationPorts;
  readonly redis: RedisPorts;
  readonly spool: MirroredSpool;
}

/** Starts a process on a disk. One that cannot open its spool ends, as the real one does. */
export function startWorker(parts: WorkerParts, actor: Actor, disk: SimDisk): SimWorker {
  const { settings, log = silentLogger } = parts;
  const { calls, clock, random } = actor;
  let opened: Opened | undefined;
  const open = async (): Promise<Opened> => {
    const redis = parts.redis.bind(calls, clock, actor.name);
    const store = parts.store.bind(calls);
    const { keyring, install, answerSpaceBytes } = parts;
    const own = await openDiskSpool({ files: disk.bind(calls), keyring, install, answerSpaceBytes, random });
    const spool = mirroredSpool({ disk: own, mirror: redis.mirror, keyring, install });
    const ports: RotationPorts = {
      clock,
      random,
      store,
      registry: createClientRegistry({ store, clients: parts.clients, clock }),
      endpoint: parts.provider.bind(calls, { actor: actor.name, ours: true, now: () => clock.now() }),
      spool,
      leases: redis.leases,
      permits: redis.permits,
      clients: redis.clients,
      index: redis.index,
      rules: parts.rules,
      trust: createStoreTrust(),
      nameOf: parts.nameOf,
    };
    opened = { ports, redis, spool };
    return opened;
  };
  const opening = open();
  opening.catch(() => actor.kill());

  const accounting = ({ redis }: Opened) => ({
    index: redis.index,
    log,
    observe: (report: RotationReport) => parts.observe(report, actor.name),
  });
  const memory: InventoryMemory = { absent: new Set() };
  const running = new AbortController().signal;
  const refresh = async (job: RefreshJob, signal = running) => {
    const life = await opening;
    return runRefresh(job, { ports: life.ports, settings, accounting: accounting(life) }, signal);
  };
  return {
    name: actor.name,
    actor,
    disk,
    spool: () => opened?.spool,
    rotate: (connection, reason = 'due', signal) => refresh({ connection, reason }, signal),
    async recover() {
      const life = await opening;
      await recoverJob('', life.ports, settings, accounting(life)).run();
    },
    async inventory() {
      const { ports } = await opening;
      return takeInventory({ ...ports, log, isManaged: () => true, idOf: parts.idOf }, memory);
    },
    async sweep() {
      const { ports, redis } = await opening;
      return sweep({ ...ports, due: redis.due, queues: parts.queues.bind(calls), log }, parts.sweepSettings);
    },
    async work(provider) {
      await opening;
      const job = await parts.queues.take(calls, provider);
      return job === undefined ? undefined : refresh(job);
    },
    kill: () => actor.kill(),
    stop: (ms) => actor.stop(ms),
  };
}
