/** The whole service with a door in front of each of the three it stands on: Redis, the store and the providers. */
import { makeDoor } from './door.ts';
import { startTestRedis, type TestRedis } from './redis.ts';
import { type Rig, startRig } from './rig.ts';

export type Neighbour = 'redis' | 'store' | 'provider';

export interface Probe {
  readonly status: number;
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  readonly checks: Readonly<Record<string, boolean>>;
}

export interface OutageRig {
  readonly rig: Rig;
  /** Redis behind its door. */
  readonly redisUrl: string;
  open(...which: readonly Neighbour[]): Promise<void>;
  shut(...which: readonly Neighbour[]): Promise<void>;
  /** Stops the Redis process and starts an empty one in its place. */
  replaceRedis(): Promise<TestRedis>;
  /** How often something was logged, of what is named in `what` where given. */
  logged(event: string, what?: string): number;
  stop(): Promise<void>;
}

/** All doors are shut at first. */
export async function startOutageRig(): Promise<OutageRig> {
  const to = { redis: 0, store: 0, provider: 0 };
  const doors = {
    redis: await makeDoor(() => to.redis),
    store: await makeDoor(() => to.store),
    provider: await makeDoor(() => to.provider),
  };
  const portOf = (url: string) => Number(new URL(url).port);
  const at = (door: keyof typeof doors) => `http://127.0.0.1:${doors[door].port}`;
  const rig = await startRig({
    change(config) {
      to.store = portOf(config.store.aws.endpoint ?? '');
      to.provider = portOf(config.sandbox?.connectTo ?? '');
      const aws = { ...config.store.aws, endpoint: at('store') };
      return { ...config, store: { ...config.store, aws }, sandbox: { connectTo: at('provider') } };
    },
  });
  to.redis = portOf(rig.redis.url);
  const behindDoor = new URL(rig.redis.url);
  behindDoor.port = String(doors.redis.port);
  rig.useRedis(behindDoor.href);
  let newRedis: TestRedis | undefined;
  return {
    rig,
    redisUrl: behindDoor.href,
    open: async (...which) => void (await Promise.all(which.map((one) => doors[one].open()))),
    shut: async (...which) => void (await Promise.all(which.map((one) => doors[one].shut()))),
    async replaceRedis() {
      await rig.redis.stop();
      newRedis = await startTestRedis({ settings: ['hz 200'] });
      await newRedis.redis.config('SET', 'requirepass', behindDoor.password);
      to.redis = portOf(newRedis.url);
      return newRedis;
    },
    logged: (event, what) =>
      rig.log.filter((line) => line.event === event && (what === undefined || line.fields.what === what)).length,
    async stop() {
      await rig.stop();
      await newRedis?.stop();
      await Promise.all(Object.values(doors).map((door) => door.shut()));
    },
  };
}

/** What /readyz says. */
export async function readyz(app: { readonly healthUrl: string }): Promise<Probe> {
  const answer = await fetch(new URL('/readyz', app.healthUrl));
  return { status: answer.status, ...((await answer.json()) as Omit<Probe, 'status'>) };
}

export async function livez(app: { readonly healthUrl: string }): Promise<number> {
  return (await fetch(new URL('/livez', app.healthUrl))).status;
}
