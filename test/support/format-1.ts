/** The install kept under fixtures/format-1: its keys, and how it is put into the world of a test. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { Config } from '../../config/derive.ts';
import type { Incident } from '../../src/alerts/ports.ts';
import type { IndexEntry } from '../../src/connection/entry.ts';
import type { SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';

const folder = join(import.meta.dirname, 'fixtures/format-1');
const kept = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown;

export interface Format1 {
  /** When it was kept (epoch ms). */
  readonly at: number;
  readonly entries: Readonly<Record<string, IndexEntry>>;
  /** What its provider gave `initech` last; only its spool knows it. */
  readonly initechToken: string;
  readonly incident: Incident;
}

export const format1 = (): Format1 => kept('contents.json') as Format1;

/** Gives an install the keys the fixtures were sealed and fingerprinted with. */
export function withTestKeys(config: Config): Config {
  const { keys, fingerprintKeyFile } = config.spool;
  mkdirSync(keys.directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(keys.directory, 'first.key'), Buffer.alloc(32, 0x61).toString('base64'), { mode: 0o600 });
  writeFileSync(fingerprintKeyFile, Buffer.alloc(32, 0x62).toString('base64'), { mode: 0o600 });
  return config;
}

type Kept =
  | { readonly type: 'string'; readonly value: string; readonly ms: number }
  | { readonly type: 'hash' | 'zset'; readonly value: Readonly<Record<string, string>> }
  | { readonly type: 'set' | 'list'; readonly members: readonly string[] };

const text = (bytes: Buffer) => bytes.toString('base64');
const bytes = (value: string) => Buffer.from(value, 'base64');
/** Ends with its process, or is made anew by whoever comes: not of a format. */
const passing = /:(?:epoch|lease:|cool:|rate|permits)|:events$/;

/** Every key of ours, values as base64. */
export async function dumpRedis(redis: Redis): Promise<Record<string, Kept>> {
  const all: Record<string, Kept> = {};
  for (const key of (await redis.keys('{pilotlight}:*')).sort()) {
    const type = await redis.type(key);
    if (passing.test(key)) continue;
    if (type === 'string')
      all[key] = { type, value: text((await redis.getBuffer(key)) ?? Buffer.alloc(0)), ms: await redis.pttl(key) };
    else if (type === 'hash')
      all[key] = {
        type,
        value: Object.fromEntries(Object.entries(await redis.hgetallBuffer(key)).map(([name, of]) => [name, text(of)])),
      };
    else if (type === 'set') all[key] = { type, members: (await redis.smembersBuffer(key)).map(text) };
    else if (type === 'list') all[key] = { type, members: (await redis.lrangeBuffer(key, 0, -1)).map(text) };
    else if (type === 'zset') {
      const rows = (await redis.callBuffer('ZRANGE', key, '0', '-1', 'WITHSCORES')) as Buffer[];
      const pairs = rows.flatMap((member, place) => (place % 2 === 0 ? [[text(member), String(rows[place + 1])]] : []));
      all[key] = { type, value: Object.fromEntries(pairs) as Record<string, string> };
    }
  }
  return all;
}

export async function plantRedis(redis: Redis): Promise<void> {
  for (const [key, of] of Object.entries(kept('redis.json') as Record<string, Kept>)) {
    if ('members' in of) {
      if (of.type === 'set') await redis.sadd(key, ...of.members.map(bytes));
      else await redis.rpush(key, ...of.members.map(bytes));
    } else if (of.type === 'string') {
      await redis.set(key, bytes(of.value));
      if (of.ms > 0) await redis.pexpire(key, of.ms);
    } else
      for (const [name, value] of Object.entries(of.value)) {
        if (of.type === 'hash') await redis.hset(key, name, bytes(value));
        else await redis.zadd(key, value, bytes(name));
      }
  }
}

interface KeptSecret {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: readonly {
    readonly versionId: string;
    readonly stages: readonly string[];
    readonly createdAt: number;
    readonly value: string;
  }[];
}

export function dumpStore({ secrets }: SecretsManagerDouble, names: readonly string[]): KeptSecret[] {
  return names.map((name) => ({
    name,
    tags: secrets.tags(name),
    versions: secrets
      .versions(name)
      .filter(({ stages }) => stages.some((stage) => stage.startsWith('AWS')))
      .map(({ value, ...version }) => ({ ...version, value: String(value) })),
  }));
}

/** Only the current versions: what the service reads. */
export function plantStore({ secrets }: SecretsManagerDouble): void {
  for (const { name, tags, versions } of kept('store.json') as KeptSecret[]) {
    const current = versions.find(({ stages }) => stages.includes('AWSCURRENT'));
    if (current === undefined) throw new Error(`${name} has no current version`);
    const { value, versionId, createdAt } = current;
    secrets.seed([{ name, value, versionId, createdAt, tags }]);
  }
}

/** Answers the files' names. */
export function plantSpool(config: Config): readonly string[] {
  mkdirSync(config.spool.directory, { recursive: true, mode: 0o700 });
  const files = Object.entries(kept('spool.json') as Record<string, string>);
  for (const [name, value] of files) writeFileSync(join(config.spool.directory, name), bytes(value), { mode: 0o600 });
  return files.map(([name]) => name);
}
