/**
 * The last resort: an exception nobody caught, a rejection nobody handled. Prints class and code only, because Node's own
 * report quotes messages, and parser and client messages quote their input. Then the process must end: its state is unknown,
 * and every protocol step is made to survive exactly that.
 */
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';

type LastResortEvent = 'uncaughtException' | 'unhandledRejection';

/** The part of `process` this needs. */
export interface LastResortEmitter {
  on(event: LastResortEvent, listener: (reason: unknown) => void): unknown;
  off(event: LastResortEvent, listener: (reason: unknown) => void): unknown;
}

export interface LastResortOptions {
  readonly emitter: LastResortEmitter;
  readonly logger: Pick<Logger, 'error'>;
  /** Ends the process with a failure. Called once, whatever follows. */
  readonly fatal: () => void;
}

/** Installs the handlers and returns the function that takes them away. */
export function installLastResort(options: LastResortOptions): () => void {
  let ended = false;
  const handle = (event: string) => (reason: unknown) => {
    if (ended) return;
    ended = true;
    try {
      options.logger.error(event, { error: safeLabel(reason) });
    } catch {
      // Nothing is left to tell it with; ending is what matters.
    }
    options.fatal();
  };
  const onException = handle('last_resort.uncaught_exception');
  const onRejection = handle('last_resort.unhandled_rejection');
  options.emitter.on('uncaughtException', onException);
  options.emitter.on('unhandledRejection', onRejection);
  return () => {
    options.emitter.off('uncaughtException', onException);
    options.emitter.off('unhandledRejection', onRejection);
  };
}

/** An error's class and code; whatever was thrown may have hostile getters. */
function safeLabel(reason: unknown): string {
  try {
    const label = errorLabel(reason);
    return /^[A-Za-z0-9_.:]{1,96}$/.test(label) ? label : 'unnamed_error';
  } catch {
    return 'unreadable_error';
  }
}
