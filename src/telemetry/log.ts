/**
 * The logger: one JSON object a line, {time, level, event, ...fields}, written by pino. Fields are plain values; whatever
 * else is handed over at run time is refused here, not serialised. Logging never throws: a line that cannot be made is
 * replaced by one that says so.
 */
import { pino } from 'pino';
import type { Clock } from '../runtime/clock.ts';
import type { LogFields, Logger } from '../runtime/logger.ts';
import { refusedMark, scrubText, scrubValue } from './scrub.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Takes whole lines. */
  readonly destination: { write(line: string): unknown };
  /** Calendar time of each line. */
  readonly clock: Pick<Clock, 'now'>;
  /** Fields of every line: role, worker, environment. */
  readonly base?: LogFields;
}

/** Written by the logger itself; a field of that name is kept under `field_<name>`. */
const ownFields: ReadonlySet<string> = new Set(['time', 'level', 'event']);
const fieldName = /^[A-Za-z][A-Za-z0-9_.]{0,63}$/;
const eventName = /^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*$/;

/** Makes the logger of a process. It keeps no timer and no handle of its own. */
export function createLogger(options: LoggerOptions): Logger {
  const { clock } = options;
  const sink = pino(
    {
      level: options.level,
      base: plainFields(options.base ?? {}),
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {},
    },
    { write: (line: string) => void options.destination.write(line) },
  );
  const line = (event: string, fields: LogFields | undefined) => ({
    event: eventName.test(event) ? event.slice(0, 96) : scrubText(String(event)),
    ...(fields === undefined ? {} : plainFields(fields)),
  });
  return {
    debug: (event, fields) => sink.isLevelEnabled('debug') && sink.debug(line(event, fields)),
    info: (event, fields) => sink.isLevelEnabled('info') && sink.info(line(event, fields)),
    warn: (event, fields) => sink.isLevelEnabled('warn') && sink.warn(line(event, fields)),
    error: (event, fields) => sink.isLevelEnabled('error') && sink.error(line(event, fields)),
  };
}

/** The fields that may be printed, each as it may be printed. An object of any class (an error, a response) is refused whole. */
function plainFields(fields: unknown): Record<string, unknown> {
  try {
    const prototype: unknown = Object.getPrototypeOf(fields);
    if (prototype !== Object.prototype && prototype !== null) return { fields: refusedMark };
    const out: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields as object)) {
      if (value === undefined) continue;
      const safeName = fieldName.test(name) ? name : 'field_refused';
      out[ownFields.has(safeName) ? `field_${safeName}` : safeName] = scrubValue(safeName, value);
    }
    return out;
  } catch {
    // A getter or a proxy threw: its error may quote what it guards.
    return { fields: refusedMark };
  }
}

/**
 * Standard output (or another descriptor) as a destination. Synchronous, so that the last line before a crash is out; it
 * waits where a pipe is full and survives a reader that has gone.
 */
export function logDestination(descriptor: number): { write(line: string): unknown } {
  return pino.destination({ fd: descriptor, sync: true });
}
