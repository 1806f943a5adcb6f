/**
 * The configuration as the rest of the program gets it: every default filled in, every path absolute, durations in
 * milliseconds, providers whole. It holds no secret, so printing it is safe.
 */
import { isAbsolute, join } from 'node:path';
import type { ConfiguredProvider } from './resolve-providers.ts';
import type { ParsedConfig } from './schema.ts';

/** How connections are told from other secrets. */
export type Find = { readonly tag: { readonly key: string; readonly value: string } } | { readonly prefix: string };

type ParsedStore = ParsedConfig['store'];

export interface Config
  extends Omit<ParsedConfig, 'store' | 'providers' | 'providersDir' | 'spool' | 'web' | 'reconsent'> {
  readonly store: Omit<ParsedStore, 'kind' | 'find' | 'namePrefix' | 'file'> & {
    readonly kind: 'aws' | 'file';
    readonly find: Find;
    readonly namePrefix: string;
    readonly file: { readonly directory: string; readonly keyFile: string; readonly keyEnv: string };
  };
  readonly providers: Readonly<Record<string, ConfiguredProvider>>;
  readonly spool: {
    readonly directory: string;
    readonly keys: { readonly directory: string; readonly sealWith?: string | undefined };
    readonly fingerprintKeyFile: string;
    readonly answerBytes: number;
    readonly unwrittenMax: number;
  };
  readonly reconsent: Omit<ParsedConfig['reconsent'], 'keyFile'> & { readonly keyFile: string };
  readonly web: Omit<ParsedConfig['web'], 'statusPage'> & { readonly statusPage: boolean };
}

/** Fills in what follows from other settings. Relative paths start at `cwd`, those left out lie in the data folder. */
export function derive(parsed: ParsedConfig, providers: Config['providers'], cwd: string): Config {
  const { store, spool, web, redis, reconsent, tracing, providersDir: _, ...rest } = parsed;
  const absolute = (path: string) => (isAbsolute(path) ? path : join(cwd, path));
  const dataDir = absolute(parsed.dataDir);
  const within = (path: string | undefined, name: string) =>
    path === undefined ? join(dataDir, name) : absolute(path);
  const { find, file } = store;
  return freeze({
    ...rest,
    dataDir,
    store: {
      kind: store.kind ?? 'file',
      find: find.tag === undefined ? { prefix: find.prefix ?? '' } : { tag: find.tag },
      namePrefix: store.namePrefix ?? find.prefix ?? '',
      aws: store.aws,
      file: {
        directory: within(file.directory, 'store'),
        keyFile: within(file.keyFile, 'store.key'),
        keyEnv: file.keyEnv,
      },
    },
    providers,
    redis: {
      ...redis,
      ...(redis.url === undefined ? {} : { url: withoutPassword(redis.url) }),
      ...(redis.passwordFile === undefined ? {} : { passwordFile: absolute(redis.passwordFile) }),
      ...(redis.sentinel?.passwordFile === undefined
        ? {}
        : { sentinel: { ...redis.sentinel, passwordFile: absolute(redis.sentinel.passwordFile) } }),
      ...(redis.tls === undefined ? {} : { tls: absoluteTls(redis.tls, absolute) }),
    },
    spool: {
      directory: within(spool.directory, 'spool'),
      keys: { ...spool.keys, directory: within(spool.keys.directory, 'keys') },
      fingerprintKeyFile: within(spool.fingerprintKeyFile, 'fingerprint.key'),
      answerBytes: spool.answerBytes,
      unwrittenMax: spool.unwrittenMax,
    },
    tracing: {
      ...tracing,
      ...(tracing.headersFile === undefined ? {} : { headersFile: absolute(tracing.headersFile) }),
    },
    reconsent: { ...reconsent, keyFile: within(reconsent.keyFile, 'reconsent.key') },
    web: { ...web, statusPage: web.statusPage ?? /^(?:127\.|localhost$|\[?::1\]?$)/.test(web.host) },
  });
}

function absoluteTls(tls: NonNullable<ParsedConfig['redis']['tls']>, absolute: (path: string) => string): typeof tls {
  const entries = Object.entries(tls).map(([key, value]) => [
    key,
    key.endsWith('File') && typeof value === 'string' ? absolute(value) : value,
  ]);
  return Object.fromEntries(entries);
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.password = '';
  return url.href;
}

/** Frozen all the way down: nobody changes a setting for somebody else. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
