/**
 * Mounted files with a password or certificates. Kubernetes changes them in place when a Secret is rotated. Where one
 * cannot be read for a moment, what was read last still serves: the server decides whether it is right.
 */
import { readFileSync } from 'node:fs';
import type { Clock } from '../runtime/clock.ts';
import { errorLabel, PilotlightError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { Secret } from '../runtime/secret.ts';
import type { RedisSecrets } from './redis-options.ts';

/** Absolute paths. */
export interface RedisFiles {
  readonly password?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** Absent: no TLS. Files in PEM. */
  readonly tls?:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
        readonly servername?: string | undefined;
      }
    | undefined;
}

/** One connecting looks several times, and many connect at once: read once for all of them (ms). */
const keepMs = 500;

/** Reads the files now, and again when asked later. Throws config_invalid where one cannot be read now. */
export function readRedisFiles(files: RedisFiles, clock: Clock, logger: Logger): () => RedisSecrets {
  let known = read(files);
  let readAtMs = clock.monotonic();
  let failing = false;
  return () => {
    if (clock.monotonic() - readAtMs < keepMs) return known;
    readAtMs = clock.monotonic();
    try {
      known = read(files);
      failing = false;
    } catch (error) {
      if (!failing && error instanceof PilotlightError) logger.warn('redis.file_unreadable', { why: error.message });
      failing = true;
    }
    return known;
  };
}

function read({ password, sentinelPassword, tls }: RedisFiles): RedisSecrets {
  return {
    ...(password === undefined ? {} : { password: passwordIn(password) }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword: passwordIn(sentinelPassword) }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca === undefined ? {} : { ca: textOf(tls.ca) }),
            ...(tls.cert === undefined ? {} : { cert: textOf(tls.cert) }),
            ...(tls.key === undefined ? {} : { key: new Secret(textOf(tls.key)) }),
            ...(tls.servername === undefined ? {} : { servername: tls.servername }),
          },
        }),
  };
}

/** A password is one line; editors and `echo` end it with a line break that is no part of it. */
function passwordIn(path: string): Secret {
  const text = textOf(path).replace(/\r?\n$/, '');
  if (text !== '' && !/[\r\n]/.test(text)) return new Secret(text);
  throw new PilotlightError('config_invalid', `the Redis password file ${path} must hold one line: the password`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PilotlightError('config_invalid', `cannot read the file ${path} for Redis (${errorLabel(error)})`);
  }
}
