/**
 * The service as it runs in production: `node src/main.ts run`, a process of its own with a configuration file and an
 * environment, heard by its log and ended or stopped by signals. Nothing in it knows that it is being tested.
 */
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onExit } from './on-exit.ts';

export interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface WorkerProcess {
  readonly name: string;
  readonly pid: number;
  /** Where its own records are. */
  readonly spool: string;
  /** Monotonic and calendar instants of its start. */
  readonly startedMs: number;
  readonly startedAt: number;
  alive(): boolean;
  /** The first line of this event, from its start on; rejects when the process ends without one. */
  said(event: string, which?: (line: LogLine) => boolean): Promise<LogLine>;
  /** Everything it printed, and the lines of its log. */
  printed(): string;
  lines(): readonly LogLine[];
  signal(name: NodeJS.Signals): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  readonly gone: Promise<string>;
}

export interface WorkerOptions {
  readonly name: string;
  readonly configFile: string;
  readonly spool: string;
  readonly role: 'all' | 'scheduler' | 'worker';
  readonly env: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '../../..');
/** Halves what a start costs, and with it the time between two kills; shared by all runs. */
const compileCache = join(tmpdir(), 'pilotlight-compile-cache');

export function startWorker({ name, configFile, spool, role, env }: WorkerOptions): WorkerProcess {
  const child = spawn(process.execPath, ['src/main.ts', 'run', '--role', role, '--config', configFile], {
    cwd: root,
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const spare = onExit(() => child.kill('SIGKILL'));
  const lines: LogLine[] = [];
  const text: string[] = [];
  const heard = new EventEmitter().setMaxListeners(0);
  createInterface({ input: child.stdout }).on('line', (line) => {
    text.push(line);
    const parsed = parseLine(line);
    if (parsed === undefined) return;
    lines.push(parsed);
    heard.emit('line', parsed);
  });
  createInterface({ input: child.stderr }).on('line', (line) => text.push(line));
  const gone = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  }).then((how) => {
    spare();
    heard.emit('gone', how);
    return how;
  });
  const alive = () => child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid: child.pid ?? 0,
    spool,
    startedMs: performance.now(),
    startedAt: Date.now(),
    alive,
    said(event, which = () => true) {
      const wanted = (line: LogLine) => line.event === event && which(line);
      const before = lines.find(wanted);
      if (before !== undefined) return Promise.resolve(before);
      return new Promise((resolve, reject) => {
        const stop = () => {
          heard.off('line', hear);
          heard.off('gone', end);
        };
        const hear = (line: LogLine) => {
          if (!wanted(line)) return;
          stop();
          resolve(line);
        };
        const end = (how: string) => {
          stop();
          reject(new Error(`${name} ended (${how}) before it said ${event}: ${text.slice(-3).join(' | ')}`));
        };
        heard.on('line', hear);
        heard.on('gone', end);
        if (!alive()) void gone.then(end);
      });
    },
    printed: () => text.join('\n'),
    lines: () => lines,
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    gone,
  };
}

function parseLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    // Cut by a kill.
    return undefined;
  }
}
