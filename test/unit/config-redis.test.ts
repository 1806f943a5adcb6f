/** The redis section: the ways to reach it, what excludes what, and that no password gets into it or out of it. */
import { describe, expect, test } from 'vitest';
import { renderConfig } from '../../config/render.ts';
import { accepted, load, refused } from '../support/load-config.ts';

const canary = 'PLTOKEN-hunter2';

describe('is accepted', () => {
  test('a Cluster with TLS, a user and a password file', () => {
    const yaml =
      'redis: { cluster: { nodes: ["redis-0.redis:6379", "[::1]:6380"] }, username: pilotlight, passwordFile: secrets/redis, ' +
      'tls: { enabled: true, caFile: tls/ca.pem, serverName: redis.example } }';
    expect(accepted({ yaml, cwd: '/srv' }).redis).toEqual({
      cluster: { nodes: ['redis-0.redis:6379', '[::1]:6380'] },
      username: 'pilotlight',
      passwordFile: '/srv/secrets/redis',
      tls: { enabled: true, caFile: '/srv/tls/ca.pem', serverName: 'redis.example' },
      prefix: '{pilotlight}',
    });
  });

  test('Sentinels with a login of their own and a database', () => {
    const yaml =
      'redis: { sentinel: { name: main, nodes: ["s:26379"], username: watcher, passwordFile: /run/s }, database: 3 }';
    expect(accepted({ yaml }).redis).toEqual({
      sentinel: { name: 'main', nodes: ['s:26379'], username: 'watcher', passwordFile: '/run/s', tls: false },
      database: 3,
      prefix: '{pilotlight}',
    });
  });

  test('inside Kubernetes without REDIS_URL, where a Cluster or Sentinels are named', () => {
    const rest = 'store: aws\nspool: { keys: { directory: /k }, fingerprintKeyFile: /f }\n';
    for (const place of ['cluster: { nodes: ["r:1"] }', 'sentinel: { name: m, nodes: ["s:1"] }']) {
      const result = load({ yaml: `${rest}redis: { ${place} }`, inKubernetes: true });
      expect(result.ok).toBe(true);
      expect(result.ok && result.redisUrl).toBeUndefined();
    }
  });

  test('a URL without a password beside a password file, and TLS that is switched off', () => {
    expect(
      accepted({ yaml: 'redis: { url: "redis://user@r", passwordFile: /p, tls: { enabled: false } }' }).redis,
    ).toEqual({
      url: 'redis://user@r',
      passwordFile: '/p',
      tls: { enabled: false },
      prefix: '{pilotlight}',
    });
  });

  test('and printed so that it loads again to the same', () => {
    for (const yaml of [
      'redis: { cluster: { nodes: ["a:1", "b:2"] }, passwordFile: /p }',
      'redis: { sentinel: { name: m, nodes: ["s:1"], passwordFile: /p, tls: true }, tls: { enabled: true } }',
    ]) {
      const config = accepted({ yaml });
      expect(accepted({ yaml: renderConfig(config) }).redis).toEqual(config.redis);
    }
  });
});

describe('is refused', () => {
  const nodes = 'nodes: ["r:6379"]';
  test.each([
    [`redis: { url: "redis://r", cluster: { ${nodes} } }`, /redis\.cluster cannot stand beside redis\.url/],
    [`redis: { url: "redis://r", sentinel: { name: m, ${nodes} } }`, /redis\.sentinel cannot stand beside redis\.url/],
    [
      `redis: { cluster: { ${nodes} }, sentinel: { name: m, ${nodes} } }`,
      /redis\.sentinel cannot stand beside redis\.cluster/,
    ],
    ['redis: { cluster: { nodes: [] } }', /redis\.cluster\.nodes/],
    ['redis: { cluster: { nodes: [redis] } }', /must be host:port, like redis-0\.redis:6379/],
    ['redis: { cluster: { nodes: ["redis:0"] } }', /must end in a port from 1 to 65535/],
    ['redis: { cluster: { nodes: ["redis:65536"] } }', /must end in a port from 1 to 65535/],
    ['redis: { cluster: { nodes: ["redis://r:6379"] } }', /must be host:port/],
    [`redis: { sentinel: { ${nodes} } }`, /redis\.sentinel\.name/],
    [
      `redis: { cluster: { ${nodes} }, database: 1 }`,
      /redis\.database is for redis\.sentinel only: a Cluster has but one/,
    ],
    [
      'redis: { url: "redis://r", database: 1 }',
      /redis\.database is for redis\.sentinel only: a URL has it in its path/,
    ],
    [`redis: { cluster: { ${nodes} }, username: u }`, /redis\.username needs redis\.passwordFile/],
    [
      'redis: { url: "redis://a@r", username: u, passwordFile: /p }',
      /redis\.username cannot stand beside a URL that names/,
    ],
    [
      `redis: { sentinel: { name: m, ${nodes}, username: u } }`,
      /redis\.sentinel\.username needs redis\.sentinel\.passwordFile/,
    ],
    [`redis: { sentinel: { name: m, ${nodes}, tls: true } }`, /redis\.sentinel\.tls needs redis\.tls/],
    ['redis: { url: "redis://r", tls: { enabled: true } }', /redis\.tls needs a rediss:\/\/ URL/],
    ['redis: { url: "rediss://r", tls: { enabled: false } }', /redis\.tls\.enabled is false, but the URL is a rediss/],
    [`redis: { cluster: { ${nodes} }, tls: { keyFile: k } }`, /redis\.tls must give certFile and keyFile together/],
    [`redis: { cluster: { ${nodes}, password: x } }`, /redis\.cluster\.password/],
  ])('%s', (yaml, problem) => {
    expect(refused({ yaml })).toEqual([expect.stringMatching(problem)]);
  });

  test('REDIS_URL beside a Cluster, which says what to unset and not what it holds', () => {
    const env = { REDIS_URL: `redis://:${canary}@r` };
    const problems = refused({ yaml: `redis: { cluster: { ${nodes} } }`, env });
    expect(problems).toEqual([expect.stringMatching(/redis\.cluster cannot stand beside REDIS_URL.*unset REDIS_URL/)]);
    expect(problems.join()).not.toContain(canary);
  });

  test('two places for one password', () => {
    const env = { REDIS_URL: `redis://:${canary}@r` };
    const problems = refused({ yaml: 'redis: { passwordFile: /p }', env });
    expect(problems).toEqual([
      expect.stringMatching(/redis\.passwordFile cannot stand beside a URL that holds a password/),
    ]);
  });

  test('a password among the parameters of the URL, where it would be printed', () => {
    for (const REDIS_URL of [`redis://r?password=${canary}`, `redis://r?family=4&password=${canary}`]) {
      const problems = refused({ env: { REDIS_URL } });
      expect(problems).toEqual([expect.stringMatching(/REDIS_URL may have no parameter but family/)]);
      expect(problems.join()).not.toContain(canary);
    }
    expect(refused({ env: { REDIS_URL: 'redis://r?family=6' } })).toEqual([]);
  });
});
