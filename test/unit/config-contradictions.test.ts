/** Settings that are fine alone and wrong together, and what is refused inside Kubernetes. */
import { describe, expect, test } from 'vitest';
import { longestGapMs } from '../../config/cron.ts';
import { accepted, refused } from '../support/load-config.ts';

const inFile = (lines: string[]) => lines.map((line) => line.replace(/^\/etc\/pilotlight\.yaml(?::\d+)?: /, ''));

describe('limits of a rotation', () => {
  test.for([
    [
      '{ lease: 159s }',
      'rotation.lease must be at least 2m40s (requestLimit + writeLimit + 10s), or a second worker could spend the same token',
    ],
    [
      '{ requestLimit: 3m, drainLimit: 10m }',
      'rotation.lease must be at least 4m10s (requestLimit + writeLimit + 10s), or a second worker could spend the same token',
    ],
    [
      '{ drainLimit: 149s }',
      'rotation.drainLimit must be at least 2m30s (requestLimit + writeLimit), or stopping could cut off a rotation',
    ],
    [
      '{ coolDown: 1m }',
      'rotation.coolDown must be at least requestLimit (1m30s), while the first request may still be running',
    ],
    ['{ requestLimit: 5s, connectLimit: 5s }', 'rotation.connectLimit must be shorter than requestLimit (5s)'],
    ['{ retry: { first: 2h } }', 'rotation.retry.first must not be longer than retry.max (1h)'],
    [
      '{ concurrency: 50, queueDepth: 49 }',
      'rotation.queueDepth must be at least concurrency (50), or workers would idle',
    ],
    [
      '{ writeLimit: 15s }',
      'store.aws.requestLimit must be at most half of rotation.writeLimit (15s), so that a slow write can be tried again',
    ],
  ] as const)('%s', ([rotation, problem]) =>
    expect(inFile(refused({ yaml: `rotation: ${rotation}` }))).toEqual([problem]));

  test('are accepted at their very edge', () => {
    const edge =
      '{ lease: 160s, drainLimit: 150s, coolDown: 90s, connectLimit: 59s, retry: { first: 1h }, concurrency: 50, queueDepth: 50 }';
    expect(accepted({ yaml: `rotation: ${edge}` }).rotation.lease).toBe(160_000);
  });
});

describe('thresholds', () => {
  test('nobody is paged before being warned', () => {
    const message = 'must be above that of page, or nobody is warned before the page';
    expect(inFile(refused({ yaml: 'thresholds: { warn: { left: 3d, share: 0.1 } }' }))).toEqual([
      `thresholds.warn.left ${message}`,
      `thresholds.warn.share ${message}`,
    ]);
  });
});

describe('cron expressions', () => {
  test.for([
    ['*/10 * * * * *', 10_000],
    ['0 */5 * * * *', 300_000],
    ['*/5 * * * *', 300_000],
    ['0,50 * * * * *', 50_000],
    ['0 0 0 * * *', 86_400_000],
    ['0 0 8-17 * * *', 15 * 3_600_000],
    ['0 0 * * * 1-5', Number.POSITIVE_INFINITY],
    ['0 0 0 1 * *', Number.POSITIVE_INFINITY],
    ['0 * * * * 0-7', 60_000],
  ] as const)('%s can wait %d ms', ([expression, ms]) => expect(longestGapMs(expression)).toBe(ms));

  test('that tick too seldom for what we promise are refused', () => {
    const yaml = 'schedule: { sweep: "0 0 * * * *", inventory: "0 0 0 * * 1", recover: "0 */15 * * * *" }';
    expect(inFile(refused({ yaml }))).toEqual([
      'schedule.sweep can wait 1h; it must tick at least every 15m',
      'schedule.inventory leaves days out; it must tick at least every 1d',
      'schedule.recover can wait 15m; it must tick at least every 3m20s (rotation.lease)',
    ]);
  });
});

describe('members of a document', () => {
  test.for([
    '{ accessToken: refresh_token }',
    '{ accessToken: Refresh-Token }',
    '{ refreshToken: pilotlight.token }',
    '{ own: oauth, refreshToken: oauth.rt }',
  ])('%s would write one over the other', (fields) =>
    expect(refused({ yaml: `fields: ${fields}` })).toEqual([
      expect.stringMatching(/is the same member as fields\.\w+, or lies inside it$/),
    ]));

  test('may share a parent and a beginning', () => {
    expect(
      accepted({ yaml: 'fields: { refreshToken: oauth.token, accessToken: oauth.token2 }' }).fields.accessToken,
    ).toBe('oauth.token2');
  });
});

describe('a client', () => {
  const env = { ID: 'x', SECRET: 'y', NOTHING: '' };
  const client = (text: string) => inFile(refused({ yaml: `clients: { main: ${text} }`, env }));

  test.for([
    '{ secret: oauth/clients/main }',
    '{ provider: docusign, clientId: abc, clientSecretEnv: SECRET }',
    '{ clientIdEnv: ID, clientSecretEnv: SECRET, previousClientSecretEnv: NOT_SET_ANY_MORE }',
  ])('%s is understood', (text) => expect(client(text)).toEqual([]));

  test.for([
    [
      '{}',
      'clients.main says nothing of its credentials; give secret (its name in the store), or clientId and clientSecretEnv',
    ],
    [
      '{ secret: a, clientId: b }',
      'clients.main.secret stands beside a client id or variables; keep either secret or the others',
    ],
    ['{ clientSecretEnv: SECRET }', 'clients.main must say either clientId or clientIdEnv'],
    [
      '{ clientId: a, clientIdEnv: ID, clientSecretEnv: SECRET }',
      'clients.main must say either clientId or clientIdEnv',
    ],
    [
      '{ clientId: a }',
      'clients.main has no clientSecretEnv; only a client of a provider with request.clientAuth: none can do without',
    ],
    [
      '{ clientId: a, clientSecretEnv: MISSING }',
      'clients.main.clientSecretEnv names the variable MISSING, which is not set; set it, or read the credentials from the store with secret',
    ],
    [
      '{ clientId: a, clientSecretEnv: NOTHING }',
      'clients.main.clientSecretEnv names the variable NOTHING, which is not set; set it, or read the credentials from the store with secret',
    ],
    [
      '{ clientId: a, clientSecretEnv: SECRET, previousClientSecretEnv: SECRET }',
      'clients.main.previousClientSecretEnv names the same variable as clientSecretEnv',
    ],
    [
      '{ secret: a, provider: adobe }',
      /^clients\.main\.provider is no provider that is configured; there are adobe-acrobat-sign, .*oauth2$/,
    ],
  ] as const)('%s is not', ([text, problem]) =>
    expect(client(text)).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]));

  test('of a provider with public clients needs no secret', () => {
    const yaml =
      'providers: { oauth2: { request: { clientAuth: none } } }\nclients: { app: { provider: oauth2, clientId: a } }';
    expect(refused({ yaml })).toEqual([]);
  });

  test('whose secret would be listed as a connection is refused', () => {
    const yaml = 'store: { find: { prefix: oauth/ } }\nclients: { main: { secret: oauth/clients/main } }';
    expect(inFile(refused({ yaml }))).toEqual([
      'clients.main.secret begins with store.find.prefix and would be taken for a connection; move it to another name',
    ]);
  });
});

describe('other contradictions', () => {
  test.for([
    ['store: { namePrefix: b/, find: { prefix: a/ } }', /^store\.namePrefix begins no name that find\.prefix finds/],
    ['redis: { url: "redis://r", tls: { serverName: r } }', /^redis\.tls needs a rediss:\/\/ URL/],
    ['redis: { url: "rediss://r", tls: { certFile: a } }', /^redis\.tls must give certFile and keyFile together/],
    [
      'spool: { directory: /data, keys: { directory: /data/keys } }',
      /^spool\.keys\.directory must be a folder apart from spool\.directory/,
    ],
    ['dataDir: /data\nstore: { file: { directory: /data/spool/x } }', /must be a folder apart from spool\.directory/],
  ] as const)('%s', ([yaml, problem]) => expect(inFile(refused({ yaml }))).toEqual([expect.stringMatching(problem)]));

  test('a malformed section hides no contradiction of another', () => {
    const lines = inFile(
      refused({ yaml: 'web: { port: x }\nrotation: { lease: 60s }\nthresholds: { page: { left: 20d } }' }),
    );
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['web.port', 'rotation.lease', 'thresholds.warn.left']);
  });
});

describe('inside Kubernetes', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
  const good = 'store: aws\nspool: { keys: { directory: /keys }, fingerprintKeyFile: /keys/fp }\n';

  test('nothing is chosen or made by default that pods must share', () => {
    expect(refused({ env })).toEqual([
      expect.stringMatching(/store must be named inside Kubernetes.*; set store: aws/),
      expect.stringMatching(/redis\.url is missing inside Kubernetes.*; set REDIS_URL/),
      expect.stringMatching(/spool\.keys\.directory must be named inside Kubernetes/),
      expect.stringMatching(/spool\.fingerprintKeyFile must be named inside Kubernetes/),
    ]);
  });

  test('a configuration that names them is accepted', () => {
    expect(accepted({ yaml: good, env: { ...env, REDIS_URL: 'redis://r' } }).store.kind).toBe('aws');
  });

  test('the sandbox is refused, outside it is not', () => {
    const yaml = `${good}sandbox: { connectTo: "http://127.0.0.1:9000" }`;
    expect(refused({ yaml, env: { ...env, REDIS_URL: 'redis://r' } })).toEqual([
      expect.stringMatching(/sandbox is refused inside Kubernetes/),
    ]);
    expect(accepted({ yaml }).sandbox?.connectTo).toBe('http://127.0.0.1:9000');
  });

  test('is told by the variable Kubernetes sets, unless the caller knows better', () => {
    expect(refused({ env, inKubernetes: false })).toEqual([]);
    expect(refused({ inKubernetes: true }).length).toBe(4);
  });
});
