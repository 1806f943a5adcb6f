/**
 * A real Redis Cluster on loopback: three masters, and replicas of the one that owns our slot where a test fails it over.
 * It notices a dead node after a second instead of fifteen.
 */
import { freePort } from './free-port.ts';
import { ageEpochOf, type RedisProcess, type RedisProcessOptions, startRedisProcess, until } from './redis-process.ts';

export interface TestCluster {
  /** `host:port` of every node. */
  readonly nodes: readonly string[];
  readonly processes: readonly RedisProcess[];
  /** The node that owns our slot, by what the nodes that live say. */
  owner(): Promise<RedisProcess>;
  /** Resolves when another node than this one owns our slot and the Cluster works. */
  failedOver(from: RedisProcess): Promise<RedisProcess>;
  /** FLUSHALL on each master that lives. */
  flush(): Promise<void>;
  /** Leases are given at once. */
  ageEpoch(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestClusterOptions extends RedisProcessOptions {
  /** Replicas of the master that owns our slot. */
  readonly replicas?: number;
  /** Further lines of redis.conf for each node as it is made. */
  readonly settingsOf?: () => readonly string[];
}

const prefix = '{pilotlight}';
const slotsEnd = 16_384;
const masters = 3;

export async function startTestCluster({ replicas = 0, ...options }: TestClusterOptions = {}): Promise<TestCluster> {
  const ports: number[] = [];
  const processes: RedisProcess[] = [];
  const stop = async () => void (await Promise.all(processes.map((one) => one.stop())));
  try {
    for (let made = 0; made < masters + replicas; made++) {
      const port = await freePort();
      ports.push(port);
      const settings = [
        'cluster-enabled yes',
        `cluster-port ${port}`,
        'cluster-node-timeout 1000',
        'cluster-allow-replica-migration no',
        // The other slots are nobody's here, and their death is no matter to ours.
        'cluster-require-full-coverage no',
        'repl-ping-replica-period 1',
        ...(options.settings ?? []),
        ...(options.settingsOf?.() ?? []),
      ];
      processes.push(await startRedisProcess({ ...options, settings }));
    }
    await join(processes, ports);
  } catch (error) {
    await stop();
    throw error;
  }

  /** The port a living master with our slot says it has; undefined while there is none. */
  async function ownerPort(): Promise<number | undefined> {
    for (const { admin, answers } of processes) {
      if (!answers()) continue;
      const slot = Number(await admin.call('CLUSTER', 'KEYSLOT', prefix));
      const lines = String(await admin.call('CLUSTER', 'NODES')).split('\n');
      const owning = lines.find((line) => isMaster(line) && owns(line, slot));
      if (owning !== undefined) return Number(/:(\d+)@/.exec(owning)?.[1]);
    }
    return undefined;
  }
  async function owner(): Promise<RedisProcess> {
    const port = await ownerPort();
    const found = processes.find((one) => one.port === port);
    if (found === undefined) throw new Error('no node owns our slot');
    return found;
  }
  return {
    nodes: processes.map(({ address }) => address),
    processes,
    owner,
    async failedOver(from) {
      const isOther = async () => {
        const now = await owner();
        if (now === from || !now.answers()) return false;
        // Its own view counts: only when it takes itself for the master does it take writes.
        return /^role:master/m.test(await now.admin.info('replication')) && (await clusterOk(now));
      };
      await until('a replica takes over', isOther);
      return owner();
    },
    async flush() {
      for (const { admin, answers } of processes) {
        if (answers() && /^role:master/m.test(await admin.info('replication'))) await admin.flushall();
      }
    },
    ageEpoch: async () => ageEpochOf((await owner()).admin),
    stop,
  };
}

const isMaster = (line: string) => /\bmaster\b/.test(line) && !/\bfail\b|\bnoaddr\b/.test(line);

/** A line of CLUSTER NODES ends with the slots its node owns. */
function owns(line: string, slot: number): boolean {
  const ranges = line.split(' ').slice(8);
  return ranges.some((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return first !== undefined && last !== undefined && slot >= first && slot <= last;
  });
}

async function clusterOk({ admin }: RedisProcess): Promise<boolean> {
  return String(await admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok');
}

/** Deals the slots out to the first three, makes all meet, and makes the others replicas of our slot's owner. */
async function join(processes: readonly RedisProcess[], ports: readonly number[]): Promise<void> {
  const [first, ...others] = processes;
  if (first === undefined) return;
  for (const [place, { admin }] of processes.slice(0, masters).entries()) {
    const from = Math.floor((place * slotsEnd) / masters);
    const to = Math.floor(((place + 1) * slotsEnd) / masters) - 1;
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', place + 1);
  }
  for (const [place, { port }] of others.entries())
    await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', port, ports[place + 1] ?? 0);
  const allMet = async () => {
    const views = processes.map(async ({ admin }) => String(await admin.call('CLUSTER', 'INFO')));
    const whole = `cluster_known_nodes:${processes.length}`;
    return (await Promise.all(views)).every((info) => info.includes(whole) && info.includes('cluster_slots_ok:16384'));
  };
  await until('all nodes have met', allMet);
  const slot = Number(await first.admin.call('CLUSTER', 'KEYSLOT', prefix));
  const owning = processes[Math.floor((slot * masters) / slotsEnd)] ?? first;
  const id = String(await owning.admin.call('CLUSTER', 'MYID'));
  for (const { admin } of processes.slice(masters)) {
    await until('a node may be made a replica', async () => (await admin.call('CLUSTER', 'REPLICATE', id)) === 'OK');
    await until('a replica follows', async () => (await admin.info('replication')).includes('master_link_status:up'));
  }
  await until('the Cluster works', async () => (await Promise.all(processes.map(clusterOk))).every((ok) => ok));
}
