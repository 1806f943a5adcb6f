/** What a process needs to know of the machine it runs on; passed in, so that tests can say otherwise. */
import { spawn } from 'node:child_process';

export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The PATH programs are looked up on. */
  readonly path: string;
  readonly uid: number;
  readonly pid: number;
  readonly spawn: typeof spawn;
  readonly kill: (pid: number, signal: NodeJS.Signals | 0) => unknown;
  /** The machine's own calendar, which cron goes by, whatever a test or the demo turns: milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** The machine itself. Only `main` and test support build it. */
export function systemMachine(): Machine {
  return {
    env: process.env,
    path: process.env.PATH ?? '',
    uid: process.getuid?.() ?? -1,
    pid: process.pid,
    spawn,
    kill: (pid, signal) => process.kill(pid, signal),
    now: () => Date.now(),
  };
}
