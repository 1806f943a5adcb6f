/**
 * No token, secret or fragment of one anywhere but in the store, in a request and in a sealed record: a busy run of the whole
 * service, with failures, broken documents and providers that echo what they were sent, and then a search of everything it
 * printed, kept or showed. The search itself is shown to find what is planted.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { tokenMark } from '../../src/sandbox/providers/mint.ts';
import { createLeakSearch, type LeakSearch } from '../support/leak-search.ts';
import { day, type Rig, rigClient, startRig } from '../support/rig.ts';

let rig: Rig;
let app: App;
let search: LeakSearch;
beforeEach(async () => {
  rig = await startRig({ change: (config) => ({ ...config, rotation: { ...config.rotation, writeLimit: 400 } }) });
  search = createLeakSearch();
  search.plant(rigClient.clientSecret);
});
afterEach(() => rig.stop());

const extended = { provider: 'docusign', scope: 'signature extended' } as const;
const planted = (name: string) => `${tokenMark}-${name}-${'k7Q2'.repeat(12)}`;

/** Everything anybody could look at while the service runs. */
async function everywhere(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  found.set('log lines', rig.lines.join('\n'));
  found.set('log fields', JSON.stringify(rig.log));
  found.set('reports', JSON.stringify(rig.reports));
  found.set('metrics text', (await rig.metrics.render()).body);
  for (const path of ['/', '/?state=suspect', '/status.json', '/metrics', '/readyz', '/livez']) {
    const response = await fetch(new URL(path, app.url));
    expect({ path, status: response.status }).toEqual({ path, status: 200 });
    found.set(`page ${path}`, `${[...response.headers].join('\n')}\n${await response.text()}`);
  }
  found.set('audit log', await readFile(join(rig.config.dataDir, 'audit.log'), 'utf8'));
  for (const file of await rig.spoolFiles())
    found.set(`spool ${file}`, await readFile(join(rig.config.spool.directory, file), 'latin1'));
  for (const file of await readdir(rig.directory, { recursive: true, withFileTypes: true }))
    if (file.isFile()) found.set(`file ${file.name}`, await readFile(join(file.parentPath, file.name), 'latin1'));
  for (const [key, value] of await redisContent()) found.set(`Redis ${key}`, value);
  return found;
}

async function redisContent(): Promise<[string, string][]> {
  const { redis } = rig.redis;
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, '0', '-1'),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  const all: [string, string][] = [];
  for (const key of await redis.keys('*')) {
    const value = await read[await redis.type(key)]?.(key);
    all.push([key, `${key} ${JSON.stringify(value)}`]);
  }
  return all;
}

/** Connections of all kinds, each with its misfortune; resolves when every one has met it. */
async function busyRun(): Promise<void> {
  const { faults, grants } = rig.sandbox;
  const expected: Promise<RotationReport>[] = [];
  const meets = (connection: string, outcome: RotationReport['outcome']) =>
    expected.push(rig.next(connection, (report) => report.outcome === outcome));
  const connect = (connection: string, more: Record<string, unknown> = {}, provider: string = extended.provider) => {
    const held = rig.connect({ ...extended, scope: 'signature extended offline_access', provider, connection }, more);
    search.plant(held.refreshToken, held.accessToken);
    return held;
  };
  const answers = (connection: string, status: number, body: unknown, headers: Record<string, string> = {}) =>
    faults.inject({ kind: 'answer', when: 'before', status, body, headers }, { connection });

  for (const provider of ['docusign', 'adobe-acrobat-sign', 'adobe-acrobat-sign-gov', 'esignglobal', 'oauth2']) {
    connect(`fine-${provider}`, {}, provider);
    meets(`fine-${provider}`, 'rotated');
  }
  const echoed = connect('echoed');
  answers(
    'echoed',
    400,
    { error: 'invalid_grant', error_description: `token ${echoed.refreshToken} of ${rigClient.clientSecret} is dead` },
    { 'x-request-id': echoed.refreshToken },
  );
  meets('echoed', 'suspect');
  const coded = connect('coded');
  answers('coded', 400, {
    error: coded.refreshToken,
    message: `${coded.refreshToken}`.toUpperCase(),
    reference_id: coded.refreshToken.slice(0, 60),
  });
  meets('coded', 'retryLater');
  const page = connect('page');
  answers('page', 502, `<html>upstream said ${page.refreshToken} ${planted('page')}</html>`, {
    'content-type': 'text/html',
    date: planted('date'),
  });
  search.plant(planted('page'), planted('date'));
  meets('page', 'unknown');
  connect('held');
  answers('held', 200, `{"refresh_token":"${planted('held')}","refresh_token":"${planted('held-too')}"`);
  search.plant(planted('held'), planted('held-too'));
  meets('held', 'quarantined');
  connect('cut');
  faults.inject({ kind: 'drop', when: 'after' }, { connection: 'cut' });
  meets('cut', 'unknown');
  const sealed = connect('sealed');
  rig.double.faults.add({
    op: 'PutSecretValue',
    secret: 'sealed',
    skip: 1,
    times: 1_000,
    what: { error: 'AccessDeniedException', message: `cannot write ${sealed.refreshToken}` },
  });
  meets('sealed', 'sealed');
  const unread = connect('unread');
  rig.double.faults.add({
    op: 'GetSecretValue',
    secret: 'unread',
    times: 1_000,
    what: { raw: { status: 200, body: `{"SecretString": "${unread.refreshToken}"` } },
  });
  meets('unread', 'retryLater');
  connect('broken');
  rig.double.secrets.put('broken', `{"provider":"docusign","refresh_token":"${planted('broken')}",`);
  search.plant(planted('broken'));
  connect('odd', { client: 'nobody', note: planted('note') });
  search.plant(planted('note'));
  connect('dead');
  grants.revoke('dead');
  meets('dead', 'suspect');
  const stale = connect('orphaned');
  rig.double.faults.add({
    op: 'UpdateSecretVersionStage',
    secret: 'orphaned',
    what: {
      call: () =>
        void rig.double.secrets.put(
          'orphaned',
          JSON.stringify({ provider: 'docusign', client: 'rig', refresh_token: planted('theirs') }),
        ),
    },
  });
  search.plant(planted('theirs'), stale.refreshToken);
  meets('orphaned', 'orphaned');

  rig.clock.turn(25 * day);
  app = await rig.start();
  await Promise.all(expected);
  for (const connection of rig.sandbox.oracle.connections())
    search.plant(...rig.sandbox.oracle.tokens(connection).map(({ value }) => value));
}

test('a busy run leaves no token and no secret anywhere it could be read', async () => {
  await busyRun();
  const outcomes = new Set(rig.reports.map(({ outcome }) => outcome));
  for (const outcome of ['rotated', 'suspect', 'retryLater', 'unknown', 'quarantined', 'sealed', 'orphaned'] as const)
    expect(outcomes).toContain(outcome);
  expect((await rig.spoolFiles()).length).toBeGreaterThan(2);
  const places = await everywhere();
  expect([...places.keys()].filter((place) => place.startsWith('Redis')).length).toBeGreaterThan(10);
  for (const [place, text] of places) expect({ place, leaked: search.find(text) }).toEqual({ place, leaked: [] });
});

test('the search finds what is planted, whole, in part, encoded or in another case', async () => {
  const held = rig.connect({ ...extended, connection: 'acme' });
  const token = held.refreshToken;
  search.plant(token);
  app = await rig.start();
  rig.deps.log.info('planted.here', { note: 'x' });
  await rig.redis.redis.hset('planted', 'in', `half ${token.slice(60, 90)}`);
  const places = await everywhere();
  expect(search.find(places.get('Redis planted') ?? '')).not.toEqual([]);
  expect(search.find(places.get('log lines') ?? '')).toEqual([]);
  for (const form of [
    token,
    token.slice(100, 120),
    token.toUpperCase(),
    encodeURIComponent(token),
    Buffer.from(`"${token}"`).toString('base64'),
    Buffer.from(token).toString('hex'),
    JSON.stringify(token),
  ])
    expect(search.find(`before ${form} after`)).not.toEqual([]);
  expect(search.find('nothing of the kind, 0123456789abcdef')).toEqual([]);
});
