/** Problems: all at once, each with file, line, key and fix, and none that quotes what was written. */
import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../config/problem.ts';
import { configSchema } from '../../config/schema.ts';
import { load, refused } from '../support/load-config.ts';

const canary = 'hunter2-canary';

describe('every problem of all files is told at once', () => {
  test('malformed, unknown, contradictory and mistyped, in the file, in a provider file and in the environment', () => {
    const lines = refused({
      yaml: [
        'rotation:',
        '  lease: 100s',
        'web:',
        '  prot: 80',
        '  port: http',
        'clients:',
        '  main: { provider: docusing, secret: a/b }',
        'providersDir: /extra',
      ].join('\n'),
      files: { '/extra/acme.yaml': 'title: Acme\nlifetimes:\n  - idle: soon\n' },
      env: { PILOTLIGHT_ROEL: 'worker', PILOTLIGHT_LOG_LEVEL: 'loud' },
    });
    expect(lines).toEqual([
      '/etc/pilotlight.yaml:2: rotation.lease must be at least 2m40s (requestLimit + writeLimit + 10s), or a second worker could spend the same token',
      '/etc/pilotlight.yaml:4: web.prot is not a setting; did you mean port?',
      '/etc/pilotlight.yaml:5: web.port must be a number',
      '/etc/pilotlight.yaml:7: clients.main.provider is no provider that is configured; did you mean docusign?',
      'environment: PILOTLIGHT_LOG_LEVEL must be one of debug, info, warn, error',
      'environment: PILOTLIGHT_ROEL is not a variable Pilotlight reads; did you mean PILOTLIGHT_ROLE?',
      '/extra/acme.yaml: environments is missing',
      '/extra/acme.yaml: request is missing',
      '/extra/acme.yaml:3: lifetimes.0.idle is not a duration; write it like 30d, 12h, 90s, 1h30m or PT1H30M',
    ]);
  });
});

describe('an unknown key', () => {
  test.for([
    ['data_dir: x', 'dataDir'],
    ['Role: all', 'role'],
    ['stroe: aws', 'store'],
    ['rotation: { requestlimit: 90s }', 'requestLimit'],
    ['rotation: { break-threshold: 3 }', 'breakerThreshold'],
    ['store: { aws: { writePerSecond: 4 } }', 'writesPerSecond'],
    ['fields: { refresh_token: rt }', 'refreshToken'],
    ['clients: { a: { secrets: x } }', 'secret'],
    ['providers: { docusign: { lifetime: [] } }', 'lifetimes'],
    ['providers: { docusign: { lifetimes: [{ idel: 3d }] } }', 'idle'],
  ] as const)('%s is answered with the key that was meant', ([yaml, meant]) => {
    expect(refused({ yaml }).filter((line) => line.endsWith(`is not a setting; did you mean ${meant}?`))).toHaveLength(
      1,
    );
  });

  test('that resembles none is answered with those there are', () => {
    expect(refused({ yaml: 'log: { colour: true }' })).toEqual([
      '/etc/pilotlight.yaml:1: log.colour is not a setting; known here: level',
    ]);
  });

  test.for(['constructor', 'toString', 'hasOwnProperty'])('called %s is a key like any other', (key) => {
    expect(refused({ yaml: `${key}: 1\nweb: { ${key}: 2 }` })).toHaveLength(2);
  });

  test.for([
    '__proto__: { role: worker }',
    'web: { __proto__: { port: 1 } }',
    'clients: { __proto__: { secret: x } }',
    'providers: { docusign: { __proto__: { name: x } } }',
  ])('%s is refused and pollutes nothing', (yaml) => {
    expect(refused({ yaml })).toEqual(['/etc/pilotlight.yaml: __proto__ is refused as a key']);
    expect(({} as Record<string, unknown>).role).toBeUndefined();
  });
});

describe('a value of the wrong kind', () => {
  test.for([
    ['role: boss', 'role must be one of all, scheduler, worker'],
    ['role: 7', 'role must be one of all, scheduler, worker'],
    ['environment: 7', 'environment must be text; write a duration with its unit, like 90s, and other text in quotes'],
    ['environment: Prod!', 'environment must be lower-case letters, digits and dashes, 32 at most'],
    [
      'rotation: { lease: 200 }',
      'rotation.lease must be text; write a duration with its unit, like 90s, and other text in quotes',
    ],
    ['rotation: { lease: 1s }', 'rotation.lease must lie between 15s and 30m'],
    ['rotation: 90s', 'rotation must be a section of keys'],
    ['rotation: [1]', 'rotation must be a section of keys'],
    ['rotation: { breakerThreshold: 1 }', 'rotation.breakerThreshold must be at least 2'],
    ['rotation: { confirmAfter: 5m }', 'rotation.confirmAfter must lie between 15m and 1d'],
    ['rotation: { queueDepth: 1.5 }', 'rotation.queueDepth must be a whole number'],
    ['store: ews', 'store.kind must be one of aws, file'],
    ['store: { aws: { writesPerSecond: 51 } }', 'store.aws.writesPerSecond must be at most 50'],
    ['store: { find: { tag: managed } }', 'store.find.tag must be key=value'],
    ['store: { find: {} }', 'store.find must say either tag or prefix'],
    ['store: { find: { tag: a=b, prefix: c } }', 'store.find must say either tag or prefix'],
    [
      'store: { find: { prefix: "" } }',
      'store.find.prefix must not be empty: every secret of the account would be taken for a connection',
    ],
    [
      'store: { aws: { endpoint: "http://10.0.0.7:4566" } }',
      'store.aws.endpoint must be an https:// URL without a path or credentials; http:// only on loopback',
    ],
    [
      'store: { aws: { endpoint: "https://a:b@host" } }',
      'store.aws.endpoint must be an https:// URL without a path or credentials; http:// only on loopback',
    ],
    ['web: { port: 65536 }', 'web.port must be at most 65535'],
    ['web: { statusPage: yes }', 'web.statusPage must be true or false'],
    ['redis: { prefix: pilotlight }', 'redis.prefix must begin with a hash tag in braces, like {pilotlight}'],
    ['redis: { url: "http://x" }', 'redis.url must be a redis:// or rediss:// URL'],
    [
      'schedule: { sweep: "* * *" }',
      'schedule.sweep is not a cron expression; write six fields, second first, like */10 * * * * *',
    ],
    [
      'schedule: { sweep: "61 * * * * *" }',
      'schedule.sweep is not a cron expression (second); write six fields, second first, like */10 * * * * *',
    ],
    ['thresholds: { warn: { share: 30 } }', 'thresholds.warn.share must be below 1'],
    ['thresholds: { absolute: [] }', 'thresholds.absolute must have a length of at least 1'],
    ['thresholds: { absolute: 3d }', 'thresholds.absolute must be a list'],
    ['clients: { "a b": { secret: x } }', 'clients.a b is not a usable name: it must be letters, digits and ._-'],
    ['clients: { a: 1 }', 'clients.a must be a section of keys'],
    [
      'clients: { a: }',
      'clients.a says nothing of its credentials; give secret (its name in the store), or clientId and clientSecretEnv',
    ],
    [
      'clients: { a: { clientId: x, clientSecretEnv: "A B" } }',
      'clients.a.clientSecretEnv must be the name of an environment variable',
    ],
    ['providers: { docusign: [] }', 'providers.docusign must be a section of keys'],
    [
      'sandbox: { connectTo: "http://example.com" }',
      'sandbox.connectTo must be http:// on loopback, like http://127.0.0.1:9000',
    ],
    [
      'sandbox: { connectTo: "http://127.0.0.1:80@example.com" }',
      'sandbox.connectTo must be http:// on loopback, like http://127.0.0.1:9000',
    ],
    ['keep: nothing', 'keep must be one of refresh-token, access-token'],
    ['- role: all', 'must hold keys and values; see config/pilotlight.yaml'],
    ['just text', 'must hold keys and values; see config/pilotlight.yaml'],
  ] as const)('%s', ([yaml, problem]) => {
    expect(refused({ yaml }).map((line) => line.replace(/^\/etc\/pilotlight\.yaml(?::1)?: /, ''))).toEqual([problem]);
  });
});

describe('text that is not good YAML', () => {
  test.for([
    ['role: all\nweb: {}\nrole: worker\n', ':3: has a key that stands there twice; keep one of them'],
    ['web:\n\tport: 80\n', ':2: is indented with a tab; use spaces'],
    ['role: all\n---\nrole: worker\n', ':2: begins a second document; take out the line ---'],
    ['role: !env ROLE\n', ':1: uses a tag (!name); put text that begins with ! in quotes'],
    ['role: @all\n', ':1: has text that begins with a reserved character (@ or `); put it in quotes'],
    [
      `role: *${canary}\n`,
      ': uses an alias (*name) that does not exist or is repeated too often; write the value out; put text that begins with * in quotes',
    ],
    [new Uint8Array([0xff, 0xfe, 0x61, 0x00]), ': is not UTF-8 text; save it as UTF-8'],
    [new Uint8Array(1_048_577).fill(0x23), ': is longer than 1 MiB; is this the right file?'],
    ['EISDIR', ': is a folder, not a file'],
    ['EACCES', ': may not be read by this user'],
    ['ELOOP', ': cannot be read (ELOOP)'],
  ] as const)('%#: %s', ([yaml, problem]) => expect(refused({ yaml })).toEqual([`/etc/pilotlight.yaml${problem}`]));

  test('that multiplies itself through aliases is refused quickly', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghij'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`)}]`),
    ];
    expect(refused({ yaml: bomb.join('\n') })[0]).toContain('is repeated too often');
  });
});

describe('a secret in the file', () => {
  test.for([
    `clients: { main: { clientId: x, clientSecret: ${canary} } }`,
    `clients: { main: { clientId: x, client_secret: ${canary} } }`,
    `clients: { main: { clientId: x, previousClientSecret: ${canary} } }`,
    `redis: { password: ${canary} }`,
    `store: { aws: { secretAccessKey: ${canary} } }`,
    `providers: { docusign: { client_secret: ${canary} } }`,
    `refresh_token: ${canary}`,
  ])('%s is refused, told where it belongs, and not repeated', (yaml) => {
    const lines = refused({ yaml });
    expect(
      lines.filter((line) => line.includes('would put a secret into this file, which is refused; take it out')),
    ).toHaveLength(1);
    expect(lines.join()).not.toContain(canary);
  });

  test('a Redis password is refused in the file and welcome in REDIS_URL', () => {
    const yaml = `redis: { url: "redis://:${canary}@redis:6379" }`;
    expect(refused({ yaml })).toEqual([
      '/etc/pilotlight.yaml:1: redis.url holds a password, which is refused in a file; take it out, change the password if the file was shared, and set REDIS_URL instead',
    ]);
    expect(refused({ env: { REDIS_URL: `redis://:${canary}@redis:6379` } })).toEqual([]);
  });

  test('credentials in a provider’s headers or parameters are refused', () => {
    const yaml = `providers: { docusign: { request: { headers: { Authorization: ${canary} }, parameters: { client_secret: ${canary} } } } }`;
    const lines = refused({ yaml });
    expect(lines).toHaveLength(2);
    for (const line of lines)
      expect(line).toContain('would hold a credential; credentials come from the client (clients:)');
    expect(lines.join()).not.toContain(canary);
  });

  test('whatever is wrong with a value, no message repeats it', () => {
    const shape = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
        : `${canary} \u0000`;
    const everywhere = shape({
      ...configSchema.parse({}),
      clients: { main: { provider: 1, secret: 1, clientId: 1, clientIdEnv: 1, clientSecretEnv: 1 } },
      providers: {},
    });
    const { error } = configSchema.safeParse(everywhere);
    const findings = error === undefined ? [] : findingsOf(error, configSchema);
    expect(findings.length).toBeGreaterThan(30);
    expect(JSON.stringify(findings)).not.toContain(canary);
    const result = load({
      yaml: JSON.stringify(everywhere),
      env: { REDIS_URL: canary, AWS_REGION: canary, PILOTLIGHT_WEB_PORT: canary },
    });
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain(canary);
  });
});
