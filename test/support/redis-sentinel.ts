/** A real primary with a replica, and three Sentinels that fail it over after a second, all on loopback. */
import { ageEpochOf, nodePassword, type RedisProcess, startRedisProcess, until } from './redis-process.ts';

export const sentinelName = 'pilotlight-main';

export interface TestSentinels {
  /** `host:port` of the Sentinels. */
  readonly nodes: readonly string[];
  readonly sentinels: readonly RedisProcess[];
  readonly servers: readonly RedisProcess[];
  /** The server that the Sentinels call primary. */
  primary(): Promise<RedisProcess>;
  /** Resolves when the Sentinels name another than this one, and it takes writes. */
  failedOver(from: RedisProcess): Promise<RedisProcess>;
  ageEpoch(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestSentinelOptions {
  /** Further lines of redis.conf for the servers. */
  readonly settings?: readonly string[];
  /** Further lines for the Sentinels. */
  readonly sentinelSettings?: readonly string[];
}

export async function startTestSentinels(options: TestSentinelOptions = {}): Promise<TestSentinels> {
  const processes: RedisProcess[] = [];
  const stop = async () => void (await Promise.all(processes.map((one) => one.stop())));
  const settings = ['repl-ping-replica-period 1', ...(options.settings ?? [])];
  try {
    const first = await startRedisProcess({ settings });
    processes.push(first);
    const second = await startRedisProcess({ settings: [...settings, `replicaof 127.0.0.1 ${first.port}`] });
    processes.push(second);
    await until('the replica follows', async () =>
      (await second.admin.info('replication')).includes('master_link_status:up'),
    );
    const sentinels: RedisProcess[] = [];
    for (let made = 0; made < 3; made++) {
      const sentinel = await startRedisProcess({
        sentinel: true,
        settings: [
          `sentinel monitor ${sentinelName} 127.0.0.1 ${first.port} 2`,
          `sentinel auth-pass ${sentinelName} ${nodePassword}`,
          `sentinel down-after-milliseconds ${sentinelName} 1000`,
          `sentinel failover-timeout ${sentinelName} 3000`,
          `sentinel sentinel-pass ${nodePassword}`,
          ...(options.sentinelSettings ?? []),
        ],
      });
      sentinels.push(sentinel);
      processes.push(sentinel);
    }
    const servers = [first, second];
    const knowsAll = async ({ admin }: RedisProcess) => {
      const about = String(await admin.call('SENTINEL', 'MASTER', sentinelName));
      return about.includes('num-slaves,1') && about.includes('num-other-sentinels,2');
    };
    await until('the Sentinels know one another', async () =>
      (await Promise.all(sentinels.map(knowsAll))).every((known) => known),
    );
    const primary = async () => {
      for (const { admin } of sentinels) {
        if (admin.status !== 'ready') continue;
        const [, port] = (await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', sentinelName)) as string[];
        const found = servers.find((one) => one.port === Number(port));
        if (found !== undefined) return found;
      }
      throw new Error('no Sentinel names a primary');
    };
    return {
      nodes: sentinels.map(({ address }) => address),
      sentinels,
      servers,
      primary,
      async failedOver(from) {
        await until('the replica takes over', async () => {
          const now = await primary();
          return now !== from && now.answers() && /^role:master/m.test(await now.admin.info('replication'));
        });
        return primary();
      },
      ageEpoch: async () => ageEpochOf((await primary()).admin),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
