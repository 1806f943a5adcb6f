/** Printing: what is printed loads again to the same configuration, and holds no secret. */
import { describe, expect, test } from 'vitest';
import { renderConfig } from '../../config/render.ts';
import { accepted } from '../support/load-config.ts';

const full = `
environment: staging
role: worker
dataDir: data
store: { kind: aws, find: { tag: "team:oauth=a=b" }, namePrefix: x/, aws: { region: eu-west-1, endpoint: "https://vpce.example", requestLimit: 1500ms } }
fields: { refreshToken: oauth.rt, own: keep.pilotlight }
clients:
  a: { provider: docusign, secret: other/a }
  b: { clientId: "0123", clientSecretEnv: B_SECRET, previousClientSecretEnv: B_OLD }
keep: access-token
redis: { url: "rediss://user@redis:6380/3", prefix: "{x}", tls: { caFile: tls/ca.pem, serverName: redis } }
schedule: { sweep: "*/5 * * * * *" }
rotation: { lease: PT4M, retry: { first: 90s } }
thresholds: { absolute: [7d, 36h] }
spool: { directory: /s, keys: { directory: /k }, fingerprintKeyFile: /f, answerBytes: 65536 }
web: { host: 0.0.0.0, port: 0, statusPage: true }
log: { level: debug }
sandbox: { connectTo: "http://127.0.0.1:9000" }
providers:
  docusign: { keep: refresh-token, refreshEvery: 9d, secondTry: never }
  oauth2: { secondTry: { after: 0ms }, request: { headers: { x-request-id: "{request_id}" }, parameters: { resource: "null" } } }
`;
const env = { B_SECRET: 'hunter2', REDIS_URL: 'rediss://user:hunter2@redis:6380/3' };

describe.for([
  ['the defaults', {}],
  ['everything said', { yaml: full, env }],
] as const)('%s', ([, given]) => {
  test('come back the same when what was printed is loaded', () => {
    const config = accepted(given);
    const { REDIS_URL: _, ...withoutRedis } = env;
    expect(accepted({ yaml: renderConfig(config), env: withoutRedis })).toEqual(config);
  });

  test('print durations with their units and no secret', () => {
    const printed = renderConfig(accepted(given));
    expect(printed).toMatch(/^ {2}confirmAfter: 15m$/m);
    expect(printed).not.toMatch(/(?<!Bytes): \d{7,}$/m);
    expect(printed).not.toContain('hunter2');
  });
});

test('sections come in the order of the schema, providers last', () => {
  const sections = renderConfig(accepted({ yaml: full, env })).match(/^\w+(?=:)/gm);
  expect(sections?.slice(0, 4)).toEqual(['environment', 'role', 'dataDir', 'store']);
  expect(sections?.at(-1)).toBe('providers');
});

test('a gateway’s key in a provider’s headers or parameters is left out', () => {
  const yaml =
    'providers: { oauth2: { request: { headers: { X-Api-Key: hunter2, X-Tenant: acme }, parameters: { signature: hunter2, audience: a } } } }';
  const printed = renderConfig(accepted({ yaml }));
  expect(printed).not.toContain('hunter2');
  expect(printed).toMatch(/X-Api-Key: "?\[redacted\]"?\n\s+X-Tenant: acme/);
  expect(printed).toContain('audience: a');
});
