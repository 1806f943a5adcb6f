/**
 * The customer's way in one piece: the web server on a real socket, the Secrets Manager double behind the real SDK, a provider
 * in memory, and browsers that keep cookies and follow redirects by hand. A fresh one for each test.
 */
import { defaultFieldNames } from '../../src/connection/document.ts';
import { fingerprinter } from '../../src/connection/fingerprint.ts';
import type { JudgeRules } from '../../src/connection/standing.ts';
import { consentKeys } from '../../src/reconsent/keys.ts';
import type { ReconsentOptions } from '../../src/reconsent/options.ts';
import type { ConsentEvent, ConsentStates, StartedConsent } from '../../src/reconsent/ports.ts';
import { createReconsent, type Reconsent } from '../../src/reconsent/reconsent.ts';
import type { LogFields, Logger } from '../../src/runtime/logger.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { reconsentRoutes } from '../../src/web/reconsent-routes.ts';
import { type Got, get, serve, stopServers } from '../browser/serve.ts';
import { type FakeAuthorization, fakeAuthorization } from './fakes/authorization.ts';
import { type TurnableClock, turnableClock } from './provider-bench.ts';
import { providerFile } from './shipped-providers.ts';
import { type AwsOnDouble, startAwsOnDouble } from './store-fixture.ts';

export const publicUrl = 'https://connect.example';
export const deadToken = 'PLTOKEN-dead-7f3a9c51d2e84b06';
export const clientSecret = 'PLTOKEN-client-secret-b067f3a9c51d2e84';
export const fingerprint = fingerprinter(Buffer.alloc(32, 7));
export const testKeys = consentKeys(new Secret('k'.repeat(44)), 'test');

/** What the application stored, with members of its own. */
export const storedDocument = {
  provider: 'docusign',
  environment: 'demo',
  client: 'rig',
  refresh_token: deadToken,
  access_token: 'PLTOKEN-stale-access-c51d2e84b067f3a9',
  scope: 'signature extended',
  consented_at: '2026-09-01T00:00:00Z',
  refreshed_at: '2026-09-20T00:00:00Z',
  account_id: 'account-1',
  customer: { tenant: 'acme', big: 12345678901234567890n.toString() },
  pilotlight: { attempt: 'a0', token: 'ffffffffffff', spent: ['aaaaaaaaaaaa'], foreign_at: '2026-09-19T00:00:00Z' },
};

export interface MemoryStates extends ConsentStates {
  readonly held: Map<string, { readonly started: StartedConsent; readonly ms: number }>;
}

export function memoryStates(): MemoryStates {
  const held: MemoryStates['held'] = new Map();
  return {
    held,
    async keep(nonce, started, ms) {
      held.set(nonce, { started, ms });
    },
    async take(nonce) {
      const found = held.get(nonce);
      held.delete(nonce);
      return found?.started;
    },
  };
}

export interface Browser {
  cookie: string | undefined;
  get(path: string, more?: { readonly method?: string }): Promise<Got>;
  post(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Got>;
  /** Opens the link and presses its button: the provider's page. */
  press(link: string): Promise<URL>;
  /** All of it; answers the last page. */
  authorise(link: string, account?: string): Promise<Got>;
}

export interface ReconsentBench {
  readonly aws: AwsOnDouble;
  readonly clock: TurnableClock;
  readonly authorization: FakeAuthorization;
  readonly states: MemoryStates;
  readonly reconsent: Reconsent;
  readonly audited: ConsentEvent[];
  readonly changed: string[];
  /** Everything that was logged, by us and by the web server. */
  logText(): string;
  browser(): Browser;
  /** A flagged connection and its link. */
  flagged(id?: string, change?: Record<string, unknown>, tags?: Record<string, string>): string;
  linkOf(id: string): string;
  document(id: string): Record<string, unknown>;
  stop(): Promise<void>;
}

export const pathOf = (url: string | URL) => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

const formOf = (page: string) => /name="form" value="([^"]+)"/.exec(page)?.[1] ?? '';

/** `port`: where the server listens, for tests whose public address is the server's own. */
export async function startReconsentBench(change: Partial<ReconsentOptions> = {}, port = 0): Promise<ReconsentBench> {
  const clock = turnableClock();
  const random = seededRandom(5);
  const aws = await startAwsOnDouble({ double: { clock }, store: { clock } });
  const authorization = fakeAuthorization();
  const states = memoryStates();
  const audited: ConsentEvent[] = [];
  const changed: string[] = [];
  const logged: string[] = [];
  const note = (event: string, fields: LogFields = {}) => void logged.push(JSON.stringify({ event, ...fields }));
  const log: Logger = { debug: note, info: note, warn: note, error: note };
  const providers = new Map([
    ['docusign', providerFile('docusign')],
    ['esignglobal', providerFile('esignglobal')],
  ]);
  const rules: JudgeRules = {
    providers,
    names: defaultFieldNames,
    environment: 'test',
    keepAccessToken: () => false,
    fingerprint,
    hostOf: () => 'provider.example',
    readDuration: () => undefined,
  };
  const reconsent = createReconsent({
    publicUrl,
    keys: testKeys,
    authorization,
    states,
    store: aws.store,
    registry: {
      credentials: async () => ({ clientId: 'rig-client', clientSecret: new Secret(clientSecret) }),
    },
    rules,
    nameOf: (id) => id,
    clock,
    random,
    log,
    audit: (event) => void audited.push(event),
    changed: async (id) => void changed.push(id),
    writeLimitMs: 700,
    newTags: { 'pilotlight:managed': 'true' },
    ...change,
  });
  const web = await serve({
    routes: reconsentRoutes({ reconsent, publicUrl: change.publicUrl ?? publicUrl, name: 'Acme' }),
    statusPage: false,
    port,
  });
  const origin = web.url.slice(0, -1);

  function browser(): Browser {
    const self: Browser = {
      cookie: undefined,
      async get(path, more = {}) {
        const headers = { host: 'connect.example', ...(self.cookie === undefined ? {} : { cookie: self.cookie }) };
        const got = await get(origin + path, { ...more, headers });
        const [set] = (got.headers['set-cookie'] ?? []) as string[];
        if (set !== undefined) self.cookie = set.split(';')[0];
        return got;
      },
      post(path, form, more = {}) {
        const headers = {
          host: 'connect.example',
          origin: publicUrl,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/x-www-form-urlencoded',
          ...(self.cookie === undefined ? {} : { cookie: self.cookie }),
          ...more,
        };
        return get(origin + path, { method: 'POST', headers, body: new URLSearchParams(form).toString() });
      },
      async press(link) {
        const page = await self.get(pathOf(link));
        const pressed = await self.post(pathOf(link), { form: formOf(page.body) });
        if (pressed.status !== 303) throw new Error(`no redirect: ${pressed.status} ${pressed.body}`);
        return new URL(String(pressed.headers.location));
      },
      authorise: async (link, account) => self.get(pathOf(authorization.consent(await self.press(link), account))),
    };
    return self;
  }

  const linkOf = (id: string) => {
    const version = aws.double.secrets.current(id)?.versionId ?? '';
    return reconsent.linkFor({ kind: 'reconsent', connection: id, version });
  };
  return {
    aws,
    clock,
    authorization,
    states,
    reconsent,
    audited,
    changed,
    logText: () => [...logged, ...web.lines].join('\n'),
    browser,
    flagged(id = 'acme', changes = {}, tags = {}) {
      aws.double.secrets.create(id, JSON.stringify({ ...storedDocument, ...changes }), {
        'pilotlight:managed': 'true',
        'pilotlight:owner': 'Acme Corp',
        ...tags,
      });
      aws.double.secrets.tag(id, {
        'pilotlight:state': 'reauth_required',
        'pilotlight:reason': 'invalid_grant',
        'pilotlight:since': '2026-11-19T00:00:00.000Z',
        'pilotlight:version': aws.double.secrets.current(id)?.versionId ?? '',
      });
      return linkOf(id);
    },
    linkOf,
    document: (id) => JSON.parse(String(aws.double.secrets.current(id)?.value)) as Record<string, unknown>,
    async stop() {
      await stopServers();
      await aws.stop();
    },
  };
}

export { formOf };
