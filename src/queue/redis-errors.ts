/**
 * What a Redis error means to the rest of the house. A client library's error carries the command and its arguments (a
 * password, when AUTH fails), so none is ever handed on whole: only its class and the first word of the server's answer.
 */
import { errorLabel, PilotlightError } from '../runtime/errors.ts';

/** First words of answers that mean "not now" or "not with this server"; anything else is our own mistake. */
const unavailableAnswers = new Set([
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNKILLABLE',
  'WRONGPASS',
]);

/** What ioredis throws when the connection fails under a command; its own words, because it gives them no code. */
const connectionMessages =
  /^(Connection is closed|Stream isn't writeable|Command timed out|Command aborted|Blocking command timed out|Socket |Reached the max retries|Fatal error encountered|None of startup nodes|Failed to refresh slots|Cluster |Too many Cluster redirections|All sentinels are unreachable|Connection is (?:aborted|discarded))/;

/** A Cluster that has no node for our slot: ioredis does not look whether there is one. */
const noOwnerMessage = "Cannot read properties of undefined (reading 'join')";

/** A short, safe label of a Redis error: `WRONGPASS`, `Error:ECONNREFUSED`, `timeout`, `job_lost`. */
export function redisLabel(error: unknown): string {
  if (!(error instanceof Error)) return errorLabel(error);
  if (error.name === 'ReplyError') return /^[A-Z]{2,16}/.exec(error.message)?.[0] ?? 'ERR';
  if (error.message === 'Command timed out') return 'timeout';
  // A Cluster none of whose nodes could be asked says why the last of them could not.
  const { lastNodeError } = error as { lastNodeError?: unknown };
  if (lastNodeError instanceof Error) return redisLabel(lastNodeError);
  if (error.message.startsWith('All sentinels are unreachable')) return 'sentinels_unreachable';
  if (error.message === noOwnerMessage) return 'slot_unserved';
  if (connectionMessages.test(error.message)) return 'not_connected';
  // BullMQ: the job's lock or the job itself went (flush, stall) before its end could be written.
  if (/^(Missing (lock|key)|could not renew lock|Lock mismatch)/.test(error.message)) return 'job_lost';
  return errorLabel(error);
}

/** Why a Sentinel could not say where the primary is. ioredis puts it into a sentence. */
export function sentinelLabel(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  if (/invalid reply|No such master/.test(text)) return 'sentinel_knows_no_such_name';
  const why = / because (?:connect )?([A-Z]{2,16})/.exec(text)?.[1];
  return why === undefined ? 'sentinels_unreachable' : `sentinel:${why}`;
}

/** True when the error says that Redis cannot be used now, not that we misused it. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof PilotlightError) return error.code === 'redis_unavailable';
  if (!(error instanceof Error)) return false;
  if (error.name === 'ReplyError') {
    return unavailableAnswers.has(redisLabel(error)) || error.message.startsWith('ERR max number of clients');
  }
  // Sockets, name resolution and TLS fail with a code of the system's or of OpenSSL's.
  const code = (error as { code?: unknown }).code;
  if (error.message === noOwnerMessage) return true;
  return connectionMessages.test(error.message) || (typeof code === 'string' && !code.startsWith('ERR_INVALID'));
}

/** The error to throw for one that Redis or its client threw: redis_unavailable, or itself without the command it quotes. */
export function redisFailure(error: unknown): unknown {
  if (error instanceof PilotlightError) return error;
  if (isUnavailable(error)) {
    return new PilotlightError('redis_unavailable', `Redis cannot be used now (${redisLabel(error)})`);
  }
  if (error instanceof Error) delete (error as { command?: unknown }).command;
  return error;
}

/** Runs a call to Redis; whatever it throws comes out as `redisFailure` puts it. */
export async function speaking<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw redisFailure(error);
  }
}
