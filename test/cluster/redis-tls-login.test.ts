/** TLS, ACL users and rotated passwords on real servers: who is let in, who is not, and that rotation needs no restart. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, expect, test } from 'vitest';
import { connectRedis, type RedisConnection, type RedisPlace, type RedisRole } from '../../src/queue/redis.ts';
import type { RedisClient } from '../../src/queue/redis-client.ts';
import { type RedisFiles, readRedisFiles } from '../../src/queue/redis-files.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { connectCustomers, customers, expectEachOnce } from '../support/customers.ts';
import { freePort } from '../support/free-port.ts';
import { startTestCluster } from '../support/redis-cluster.ts';
import { ageEpochOf, nodePassword, type RedisProcess, startRedisProcess } from '../support/redis-process.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { selfSigned } from '../support/self-signed.ts';

const clock = systemClock();
const soon = { timeout: 30_000 };
const serverName = 'redis.pilotlight.test';
const folder = mkdtempSync(join(tmpdir(), 'pilotlight-redis-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
function certificate(name: string, host = serverName) {
  const { key, cert } = selfSigned([host]);
  return { key: file(`${name}.key`, key), cert: file(`${name}.pem`, cert) };
}
const ours = certificate('ours');
const strange = certificate('strange');
const passwordFile = file('password', `${nodePassword}\n`);
const trusted: NonNullable<RedisFiles['tls']> = {
  ca: ours.cert,
  cert: ours.cert,
  key: ours.key,
  servername: serverName,
};

async function tlsSettings(): Promise<{ readonly port: number; readonly settings: string[] }> {
  const port = await freePort();
  const settings = [
    `tls-port ${port}`,
    `tls-cert-file ${ours.cert}`,
    `tls-key-file ${ours.key}`,
    `tls-ca-cert-file ${ours.cert}`,
    'tls-auth-clients yes',
    'tls-cluster yes',
  ];
  return { port, settings };
}

function connect(
  place: RedisPlace,
  files: RedisFiles,
  more: { readonly role?: RedisRole; readonly username?: string } = {},
): RedisConnection<RedisClient> {
  const secrets = readRedisFiles(files, clock, silentLogger);
  const connection = connectRedis({ ...place, role: 'commands', logger: silentLogger, clock, secrets, ...more });
  stops.push(() => connection.close());
  return connection;
}

async function startNode(settings: readonly string[] = []): Promise<RedisProcess> {
  const node = await startRedisProcess({ settings });
  stops.push(() => node.stop());
  return node;
}

test('TLS: the right authority and a client certificate are let in, every other is not', async () => {
  const { port, settings } = await tlsSettings();
  await startNode(settings);
  const place = { url: `rediss://127.0.0.1:${port}` };
  const good = connect(place, { password: passwordFile, tls: trusted });
  await good.untilReached(20_000);
  expect(await good.ping()).toBe(true);
  const { cert: _cert, key: _key, ...nameless } = trusted;
  for (const [tls, why] of [
    [{ ...trusted, ca: strange.cert }, /DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED|UNABLE_TO/],
    [{ ...trusted, servername: 'other.pilotlight.test' }, /ERR_TLS_CERT_ALTNAME_INVALID/],
    [nameless, /not_connected|SSL|ECONNRESET|CERTIFICATE/],
  ] as const) {
    const bad = connect(place, { password: passwordFile, tls });
    await expect(bad.untilReached(1_000)).rejects.toThrow(why);
    expect(bad.reachedOnce()).toBe(false);
  }
});

test('TLS on a Cluster: every node is checked by the one name, whatever address it is known by', async () => {
  const { settings } = await tlsSettings();
  // Each node takes a port of its own for TLS; the one in clear is for the test alone.
  const ports = [await freePort(), await freePort(), await freePort()];
  let next = 0;
  const cluster = await startTestCluster({
    settings: settings.filter((line) => !line.startsWith('tls-port')),
    settingsOf: () => [`tls-port ${ports[next++]}`],
  });
  stops.push(() => cluster.stop());
  const place = { cluster: { nodes: ports.map((port) => `127.0.0.1:${port}`) } };
  for (const role of ['commands', 'queues', 'workers'] as const) {
    const good = connect(place, { password: passwordFile, tls: trusted }, { role });
    await good.untilReached(20_000);
    await good.redis.set('{pilotlight}:seen', role);
    expect(await good.redis.get('{pilotlight}:seen')).toBe(role);
  }
  const bad = connect(place, { password: passwordFile, tls: { ...trusted, ca: strange.cert } });
  await expect(bad.untilReached(1_000)).rejects.toThrow(/check redis\.cluster/);
  expect(bad.reachedOnce()).toBe(false);
});

test('a password that was rotated is read from its file when a connection is made anew, duplicates included', async () => {
  for (const [name, role] of [
    ['one', 'commands'],
    ['two', 'workers'],
  ] as const) {
    const node = await startNode();
    const mounted = file(`rotated-${name}`, nodePassword);
    const place = { url: `redis://pilotlight@${node.address}` };
    await node.admin.call('ACL', 'SETUSER', 'pilotlight', 'on', `>${nodePassword}`, '~*', '+@all');
    const connection = connect(place, { password: mounted }, { role });
    await connection.untilReached(20_000);
    const twin = (connection.redis as Redis).duplicate();
    stops.push(async () => twin.disconnect());
    twin.on('error', () => undefined);
    await expect.poll(() => twin.ping().catch(() => ''), soon).toBe('PONG');
    await node.admin.call('ACL', 'SETUSER', 'pilotlight', 'resetpass', '>the-next-one');
    writeFileSync(mounted, 'the-next-one\n');
    await node.admin.call('CLIENT', 'KILL', 'USER', 'pilotlight');
    await expect.poll(() => connection.ping(), soon).toBe(true);
    await expect.poll(() => twin.ping().catch(() => ''), soon).toBe('PONG');
    const whoami = (await connection.redis.call('ACL', 'WHOAMI')) as string;
    expect(whoami).toBe('pilotlight');
  }
});

test('a rotated password reaches a Cluster too', async () => {
  const cluster = await startTestCluster();
  stops.push(() => cluster.stop());
  const mounted = file('rotated-cluster', nodePassword);
  const onAll = (...command: [string, ...string[]]) =>
    Promise.all(cluster.processes.map(({ admin }) => admin.call(...command)));
  await onAll('ACL', 'SETUSER', 'pilotlight', 'on', `>${nodePassword}`, '~*', '+@all');
  const connection = connect({ cluster: { nodes: cluster.nodes } }, { password: mounted }, { username: 'pilotlight' });
  await connection.untilReached(20_000);
  await onAll('ACL', 'SETUSER', 'pilotlight', 'resetpass', '>the-next-one');
  writeFileSync(mounted, 'the-next-one\n');
  await onAll('CLIENT', 'KILL', 'USER', 'pilotlight');
  await expect.poll(() => connection.ping(), soon).toBe(true);
});

test('a password file that is missing, empty or of two lines is refused by its name', () => {
  for (const path of [join(folder, 'nowhere'), file('empty', '\n'), file('two', 'a\nb\n')]) {
    const attempt = () => readRedisFiles({ password: path }, clock, silentLogger);
    expect(attempt).toThrow(path);
    expect(attempt).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  }
});

/** The whole of what Pilotlight asks of Redis; README.md shows the same line. */
const aclRule =
  '~{pilotlight}* resetchannels -@all +@read +@write +@transaction +@scripting +@connection -@dangerous ' +
  '+time +info +cluster|slots +cluster|info';

test('a user of our keys alone and of few commands is enough for the whole service', async () => {
  const node = await startNode();
  await node.admin.call('ACL', 'SETUSER', 'pilotlight', 'on', `>${nodePassword}`, ...aclRule.split(' '));
  await ageEpochOf(node.admin);
  const rig: Rig = await startRig({
    redisUrl: `redis://pilotlight@${node.address}`,
    change: (config) => ({ ...config, redis: { ...config.redis, passwordFile } }),
  });
  stops.push(() => rig.stop());
  connectCustomers(rig);
  const done = customers.map((one) => rig.next(one, ({ outcome }) => outcome === 'rotated'));
  await node.admin.call('ACL', 'LOG', 'RESET');
  const app = await rig.start();
  await Promise.all(done);
  await expect.poll(async () => (await fetch(new URL('/readyz', app.url))).status, soon).toBe(200);
  expectEachOnce(rig);
  expect(await node.admin.call('ACL', 'LOG')).toEqual([]);
  expect(rig.log.filter(({ event }) => event === 'redis.policy_unknown')).toEqual([]);
  await expect(app.services.redis.redis.get('somebody-elses')).rejects.toThrow(/NOPERM/);
  await expect(app.services.redis.redis.flushall()).rejects.toThrow(/NOPERM/);
});
