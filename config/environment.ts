/**
 * The environment variables Pilotlight reads, as a table that the documentation and `config print` show too. A variable
 * that begins with PILOTLIGHT_ and is not known is a problem: a mistyped name must not be ignored in silence.
 */
import { didYouMean } from './did-you-mean.ts';
import { isSection, type Layer, type Section } from './layers.ts';
import type { Problem } from './problem.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentVariable {
  readonly name: string;
  /** The setting it gives, where it gives one. */
  readonly key?: string;
  /** Whether it wins over the file or is used where the file is silent. */
  readonly wins?: 'over the file' | 'where the file is silent';
  readonly number?: true;
  /** Holds a secret: never printed. */
  readonly secret?: true;
  readonly meaning: string;
}

/** Beginning of the variables that are ours alone. */
const ours = 'PILOTLIGHT_';
const over = 'over the file';
const under = 'where the file is silent';

export const environmentVariables: readonly EnvironmentVariable[] = [
  { name: 'PILOTLIGHT_COMMIT', meaning: 'Commit the image was built from; shown by version and build_info.' },
  { name: 'PILOTLIGHT_CONFIG', meaning: 'Path of the configuration file; --config wins.' },
  {
    name: 'PILOTLIGHT_ENVIRONMENT',
    key: 'environment',
    wins: over,
    meaning: 'Name of this installation, bound into sealed records.',
  },
  { name: 'PILOTLIGHT_ROLE', key: 'role', wins: over, meaning: 'all, scheduler or worker; --role wins.' },
  { name: 'PILOTLIGHT_DATA_DIR', key: 'dataDir', wins: over, meaning: 'Folder for everything kept on disk.' },
  { name: 'PILOTLIGHT_STORE', key: 'store.kind', wins: over, meaning: 'aws or file.' },
  {
    name: 'PILOTLIGHT_STORE_KEY',
    secret: true,
    meaning: 'Key of the file store (32 bytes, base64), instead of a key file.',
  },
  { name: 'PILOTLIGHT_LOG_LEVEL', key: 'log.level', wins: over, meaning: 'debug, info, warn or error.' },
  { name: 'PILOTLIGHT_WEB_HOST', key: 'web.host', wins: over, meaning: 'Address the web server listens on.' },
  {
    name: 'PILOTLIGHT_WEB_PORT',
    key: 'web.port',
    wins: over,
    number: true,
    meaning: 'TCP port of the web server; 0 takes a free one.',
  },
  {
    name: 'REDIS_URL',
    key: 'redis.url',
    wins: over,
    secret: true,
    meaning: 'redis:// or rediss:// URL; may hold a password.',
  },
  { name: 'AWS_REGION', key: 'store.aws.region', wins: under, meaning: 'AWS Region of the secrets.' },
  {
    name: 'AWS_DEFAULT_REGION',
    key: 'store.aws.region',
    wins: under,
    meaning: 'AWS Region, where AWS_REGION is not set.',
  },
  {
    name: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    key: 'store.aws.endpoint',
    wins: under,
    meaning: 'Endpoint used instead of AWS Secrets Manager.',
  },
  {
    name: 'AWS_ENDPOINT_URL',
    key: 'store.aws.endpoint',
    wins: under,
    meaning: 'The same, where the one above is not set.',
  },
  {
    name: 'KUBERNETES_SERVICE_HOST',
    meaning: 'Set by Kubernetes: nothing is then started or made by default that pods must share.',
  },
];

/** The settings given by variables, as a layer over (`over the file`) or under the file. Empty variables count as unset. */
export function environmentLayer(env: Environment, wins: NonNullable<EnvironmentVariable['wins']>): Layer {
  const names = new Map<string, string>();
  let value: Section = {};
  for (const variable of environmentVariables) {
    const text = read(env, variable.name);
    if (variable.key === undefined || variable.wins !== wins || text === undefined || names.has(variable.key)) continue;
    names.set(variable.key, variable.name);
    value = put(
      value,
      variable.key.split('.'),
      variable.number === true && /^\d{1,9}$/.test(text) ? Number(text) : text,
    );
  }
  return {
    file: 'environment',
    value,
    root: [],
    lineOf: () => undefined,
    variableOf: (path) => names.get(path.map(String).join('.')),
  };
}

function put(section: Section, [key = '', ...rest]: readonly string[], value: unknown): Section {
  const below = section[key];
  return { ...section, [key]: rest.length === 0 ? value : put(isSection(below) ? below : {}, rest, value) };
}

/** A variable's value; undefined where it is unset, empty or put there by Kubernetes for a Service called pilotlight. */
export function read(env: Environment, name: string): string | undefined {
  const text = env[name];
  return text === undefined || text === '' || isServiceLink(name, text) ? undefined : text;
}

/** Variables that begin with PILOTLIGHT_ and mean nothing. `named` are those the configuration itself names. */
export function unknownVariables(env: Environment, named: ReadonlySet<string>): Problem[] {
  const known = environmentVariables.map(({ name }) => name);
  const short = known.filter((name) => name.startsWith(ours)).map((name) => name.slice(ours.length));
  return Object.keys(env)
    .filter(
      (name) => name.startsWith(ours) && !known.includes(name) && !named.has(name) && read(env, name) !== undefined,
    )
    .sort()
    .map((name) => {
      const meant = didYouMean(name.slice(ours.length), short);
      const fix =
        meant === undefined
          ? 'unset it; `pilotlight config print` lists the variables read'
          : `did you mean ${ours}${meant}?`;
      return { file: 'environment', key: name, message: 'is not a variable Pilotlight reads', fix };
    });
}

/**
 * Kubernetes gives every pod variables for the Services of its namespace: a Service `pilotlight-web` makes
 * PILOTLIGHT_WEB_PORT=tcp://10.0.0.1:80, which is not the port we are to listen on.
 */
function isServiceLink(name: string, text: string): boolean {
  if (/_SERVICE_(?:HOST|PORT)(?:_[A-Z0-9_]+)?$/.test(name) && name !== 'KUBERNETES_SERVICE_HOST') return true;
  return (
    /_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$/.test(name) &&
    (/^(?:tcp|udp|sctp):\/\//.test(text) || /_\d+_(?:TCP|UDP|SCTP)/.test(name))
  );
}
