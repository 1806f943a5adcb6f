/**
 * The logger: one JSON object a line, {time, level, event, ...fields}, written by pino. Fields are plain values; whatever
 * else is handed over at run time is refused here, not serialised. Logging never throws: a line that cannot be made is
 * replaced by one that says so, and lines that cannot be written are counted until one can.
 */
import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Clock } from '../runtime/clock.ts';
import type { LogFields, Logger } from '../runtime/logger.ts';
import { refusedMark, scrubText, scrubValue } from './scrub.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogDestination {
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Takes whole lines; may throw. */
  readonly destination: LogDestination;
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
  let lost = 0;
  const write = (text: string) => {
    try {
      options.destination.write(text);
    } catch {
      // A full disk, a terminal that is gone: nothing else may end with the log.
      lost += 1;
      return;
    }
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    sink.error(line('log.lost', { lines }));
    if (lost > 0) lost = lines;
  };
  const sink = pino(
    {
      level: options.level,
      base: plainFields(options.base ?? {}),
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {},
    },
    { write },
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

/** Between two tries to write to a pipe that is full, ms. */
const fullPipeMs = 20;

/**
 * Standard output (or another descriptor) as a destination. Synchronous, so that the last line before a crash is out; it
 * waits where a pipe is full. Throws what the descriptor throws: a full disk, a terminal or a reader that has gone.
 */
export function logDestination(descriptor: number): LogDestination {
  // A line cut short gets its end first, so that it spoils itself only and not the next one.
  let torn = false;
  return {
    write(line) {
      const bytes = Buffer.from(torn ? `\n${line}` : line);
      for (let done = 0; done < bytes.length; ) {
        const count = writeSome(descriptor, bytes, done);
        done += count;
        if (count > 0) torn = done < bytes.length;
      }
    },
  };
}

function writeSome(descriptor: number, bytes: Buffer, from: number): number {
  try {
    return writeSync(descriptor, bytes, from);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EAGAIN') throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipeMs);
    return 0;
  }
}
