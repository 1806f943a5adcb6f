/**
 * One call of one command: its context, its screen, and ways to load the configuration and open the service's parts that
 * always close them again. Commands are functions of an Invocation that answer an exit code.
 */
import type { Command } from 'commander';
import { hasCode } from '../runtime/errors.ts';
import type { CommandContext, Opened, OpenedSpool } from './context.ts';
import { configurationError } from './failure.ts';
import { createScreen, type Screen } from './screen.ts';

type Loaded = ReturnType<CommandContext['loadConfig']> & { ok: true };

export interface Invocation {
  readonly context: CommandContext;
  readonly screen: Screen;
  /** The file given with --config. */
  readonly configFile: string | undefined;
  /** Throws config_invalid with every problem. */
  load(): Loaded;
  /** Opens store and Redis for as long as `use` runs. */
  opened(use: (opened: Opened, loaded: Loaded) => Promise<number>, purpose?: 'diagnosis'): Promise<number>;
  /** Opens the spool and its mirror for as long as `use` runs. */
  openedSpool(use: (spool: OpenedSpool) => Promise<number>): Promise<number>;
}

/** How a command's file hands its work to the program: its own arguments and options, an Invocation, an exit code. */
export type Act = <A extends unknown[]>(
  run: (invocation: Invocation, ...given: A) => Promise<number>,
) => (...given: [...A, Command]) => Promise<void>;

export interface GlobalOptions {
  readonly config?: string;
  readonly output: 'table' | 'json';
  readonly color: boolean;
}

export function createInvocation(context: CommandContext, options: GlobalOptions): Invocation {
  const screen = createScreen(context, { json: options.output === 'json', colour: options.color });
  const load = () => {
    const result = context.loadConfig(options.config);
    if (!result.ok) throw configurationError(result.problems);
    return result;
  };
  async function during<T extends { close(): Promise<void> }>(
    what: string,
    open: (loaded: Loaded) => Promise<T>,
    use: (opened: T, loaded: Loaded) => Promise<number>,
  ): Promise<number> {
    const loaded = load();
    screen.progress(`opening ${what} ...`);
    let opened: T;
    try {
      opened = await open(loaded);
    } finally {
      screen.progress('');
    }
    let code: number;
    try {
      code = await use(opened, loaded);
    } catch (error) {
      screen.progress('');
      // What went wrong first is what is told; closing may fail for the same reason.
      await opened.close().catch(() => undefined);
      throw error;
    }
    await opened.close().catch((error: unknown) => {
      if (!hasCode(error)) throw error;
      screen.remark(`pilotlight: ${error.message}`);
    });
    return code;
  }
  return {
    context,
    screen,
    configFile: options.config,
    load,
    opened: (use, purpose) => during('the store and Redis', (loaded) => context.open(loaded, purpose), use),
    openedSpool: (use) => during('the spool and Redis', (loaded) => context.openSpool(loaded), use),
  };
}
