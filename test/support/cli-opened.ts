/**
 * A service opened for a command, with store, index and clients in memory. Every act a command takes is written down.
 */

import { parseDuration } from '../../config/duration.ts';
import type { LoadResult } from '../../config/load.ts';
import type { Diagnosis, ManualRefresh, Opened, OpenedAlerts } from '../../src/cli/context.ts';
import { takeCensus } from '../../src/connection/census.ts';
import type { ClientAtHost, IndexEntry } from '../../src/connection/entry.ts';
import { fingerprinter } from '../../src/connection/fingerprint.ts';
import { entryOf, type JudgeRules, judge, type Sighting } from '../../src/connection/standing.ts';
import type { Urgency } from '../../src/connection/urgency.ts';
import { tokenHost } from '../../src/oauth/target.ts';
import type { ClientHealth, SecretStore } from '../../src/rotation/ports.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { Overview } from '../../src/web/ports.ts';
import { memoryClients } from './fakes/clients.ts';
import { memoryIndex } from './fakes/index.ts';
import { load } from './load-config.ts';

export const now = Date.UTC(2026, 10, 20, 8);
export const day = 86_400_000;
/** Planted wherever a token may stand; must never be seen. */
export const canary = 'PLTOKEN-canary-cli-90210';

const configYaml = `
clients:
  docusign-main: { provider: docusign, secret: clients/docusign-main }
  adobe-main: { provider: adobe-acrobat-sign, secret: clients/adobe-main }
  esign-main: { provider: esignglobal, secret: clients/esign-main }
  plain-main: { provider: oauth2, secret: clients/plain-main }
`;

type Loaded = LoadResult & { ok: true };

/** The configuration of these tests, with further YAML behind it. */
export function loaded(yaml = ''): Loaded {
  const result = load({ yaml: configYaml + yaml });
  if (!result.ok) throw new Error(result.problems.map(({ key, message }) => `${key} ${message}`).join('\n'));
  return result;
}

export interface HeldSecret {
  readonly document: Readonly<Record<string, unknown>> | string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly createdAt?: number;
  readonly deletedAt?: number;
}

/** A document of a connection that lives, with a canary for a token. */
export function document(change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    provider: 'docusign',
    environment: 'production',
    client: 'docusign-main',
    refresh_token: canary,
    access_token: `${canary}-access`,
    scope: 'signature extended',
    consented_at: new Date(now - 40 * day).toISOString(),
    refreshed_at: new Date(now - 2 * day).toISOString(),
    ...change,
  };
}

export interface Given {
  readonly config?: Loaded;
  readonly secrets?: Readonly<Record<string, HeldSecret>>;
  /** Changes to the entries inventory would make of the secrets, and entries of their own. */
  readonly entries?: Readonly<Record<string, Partial<IndexEntry>>>;
  readonly health?: readonly (readonly [ClientAtHost, Partial<ClientHealth>])[];
  readonly overview?: Partial<Overview>;
  readonly urgency?: Readonly<Record<string, Urgency>>;
  readonly serviceRuns?: boolean;
  readonly refreshes?: Readonly<Record<string, ManualRefresh>>;
  readonly revocation?: Awaited<ReturnType<Opened['revoke']>>;
  readonly diagnoses?: readonly Diagnosis[];
  readonly alerts?: OpenedAlerts;
  /** Called before each create; what it throws is thrown. */
  readonly onCreate?: (name: string) => void;
  readonly onDescribe?: (name: string) => void;
  readonly onAdopt?: () => void;
  readonly onRelease?: () => void;
}

export interface Acts {
  readonly created: { name: string; value: string; tags: Readonly<Record<string, string>> }[];
  readonly refreshed: string[];
  readonly revoked: string[];
  readonly released: string[];
  /** Put into the index before the next inventory. */
  readonly adopted: string[];
  closed: number;
}

const refuse = () => Promise.reject(new Error('no command may do this'));

function rulesOf({ config }: Loaded): JudgeRules {
  return {
    providers: new Map(Object.entries(config.providers)),
    names: config.fields,
    environment: config.environment,
    keepAccessToken: (provider) => config.providers[provider]?.keep === 'access-token',
    fingerprint: fingerprinter(Buffer.alloc(32, 7)),
    hostOf(provider, { environment, apiAccessPoint, dataCenter }) {
      const target = tokenHost(provider, environment, {
        ...(apiAccessPoint === undefined ? {} : { apiAccessPoint }),
        ...(dataCenter === undefined ? {} : { dataCenter }),
      });
      return 'host' in target ? target.host : undefined;
    },
    readDuration: parseDuration,
  };
}

function sightingOf(id: string, { document, tags = {}, createdAt = now - day }: HeldSecret): Sighting {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  const version = { versionId: `v-${id}`, createdAt, value: { text: new Secret(text) } };
  return { id, tags, stages: { [`v-${id}`]: ['AWSCURRENT'] }, version, known: undefined };
}

function storeOf(given: Given, acts: Acts): Opened['store'] {
  const secrets = new Map(Object.entries(given.secrets ?? {}));
  const found = (name: string) => {
    const secret = secrets.get(name);
    if (secret === undefined) throw new PilotlightError('store_not_found', `no secret ${name}`);
    return secret;
  };
  const describe: SecretStore['describe'] = async (name) => {
    given.onDescribe?.(name);
    const { tags = {}, deletedAt } = found(name);
    return { name, tags, stages: {}, ...(deletedAt === undefined ? {} : { deletedAt }) };
  };
  return {
    async *list() {
      yield await Promise.all([...secrets.keys()].map(describe));
    },
    describe,
    async create(name, value, tags) {
      given.onCreate?.(name);
      acts.created.push({ name, value: 'text' in value ? value.text.reveal() : '', tags });
    },
    versions: async (name) => {
      const { createdAt = now - day } = found(name);
      return [
        { versionId: `v-${name}`, stages: ['AWSCURRENT'], createdAt },
        { versionId: 'v-older', stages: ['AWSPREVIOUS'], createdAt: createdAt - day },
      ];
    },
    read: refuse,
    readMany: refuse,
    put: refuse,
    moveStage: refuse,
    tag: refuse,
    untag: refuse,
  };
}

function entriesOf({ secrets = {}, entries = {} }: Given, rules: JudgeRules): IndexEntry[] {
  const made = Object.entries(secrets).map(([id, secret]): IndexEntry => {
    const sighting = sightingOf(id, secret);
    return { ...entryOf(sighting, judge(sighting, rules, now), now), ...entries[id] };
  });
  return made;
}

export function openedOf(given: Given, acts: Acts): Opened {
  const config = given.config ?? loaded();
  const rules = rulesOf(config);
  const entries = entriesOf(given, rules);
  const { prefix } = { prefix: config.config.store.namePrefix };
  const inspect: Opened['inspect'] = async (id) => {
    const secret = given.secrets?.[id];
    if (secret === undefined)
      throw new PilotlightError('not_found', `there is no connection ${id}: pilotlight list shows all`);
    const sighting = sightingOf(id, secret);
    return { sighting, standing: judge(sighting, rules, now) };
  };
  return {
    config: config.config,
    store: storeOf(given, acts),
    index: memoryIndex(entries),
    clients: memoryClients(given.health).clients,
    registry: { credentials: refuse, forget: () => {} },
    rules,
    nameOf: (id) => prefix + id,
    idOf: (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined),
    serviceRuns: given.serviceRuns ?? true,
    async status() {
      const census = takeCensus(now);
      census.add(entries);
      const rows = [...entries]
        .sort((a, b) => (a.deadlineAt ?? Number.MAX_VALUE) - (b.deadlineAt ?? Number.MAX_VALUE))
        .map((entry) => ({ entry, urgency: given.urgency?.[entry.id] ?? 'none' }));
      const overview: Overview = {
        now,
        census: census.result(),
        lamps: [
          { name: 'sweep', lastAt: now - 4_000, everyMs: 10_000 },
          { name: 'inventory', lastAt: now - 60_000, everyMs: 300_000 },
        ],
        backlog: { due: 1, ready: 2, queued: 3 },
        spool: { records: 0, answered: 0, unreadable: 0, oldestAt: null },
        breakers: [],
        ...given.overview,
      };
      return { overview, rows, matching: rows.length };
    },
    inspect,
    alerts: async () => given.alerts ?? refuse(),
    async explain(id) {
      await inspect(id);
      return ['would be refreshed at token.test with client main (current secret)'];
    },
    async *refresh(ids) {
      for (const id of ids) {
        acts.refreshed.push(id);
        yield given.refreshes?.[id] ?? { connection: id, problem: 'its secret cannot be used' };
      }
    },
    async revoke(id) {
      acts.revoked.push(id);
      return given.revocation ?? { kind: 'revoked' };
    },
    async adopt(ids) {
      given.onAdopt?.();
      acts.adopted.push(...ids);
    },
    async release(id) {
      given.onRelease?.();
      acts.released.push(id);
    },
    async *diagnose() {
      yield* given.diagnoses ?? [{ name: 'redis', state: 'ok', detail: 'answers in 1 ms' }];
    },
    async close() {
      acts.closed += 1;
    },
  };
}
