/**
 * The logger's interface. An event is a stable dotted name plus flat fields of plain values: no object, no error and no
 * Secret can be handed to it, so that no token reaches a log by construction. `telemetry/log.ts` writes it with pino.
 */
export type LogFields = { readonly [field: string]: string | number | boolean | null | undefined | readonly string[] };

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** A logger that keeps nothing, for commands whose output is their own. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
