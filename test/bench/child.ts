/**
 * Child processes of the bench: each answers questions over Node's own channel, and ends by itself when the bench does,
 * however that came about.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface Child {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly hello: unknown;
  ask<T>(question: string, input?: unknown): Promise<T>;
  /** Lets it close what it holds and waits until it is gone. */
  stop(): Promise<void>;
  /** SIGKILL: nothing is closed or finished. */
  kill(): Promise<void>;
}

export interface ChildOptions {
  /** Handed to the child as JSON. */
  readonly input: unknown;
  /** Where its standard output goes; nowhere unless given. */
  readonly stdoutFile?: string;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

type FromChild =
  | { readonly hello: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failed: string };

/** Starts a file of this folder; resolves when it is ready, rejects when it ends before. */
export async function startChild(file: string, options: ChildOptions): Promise<Child> {
  const stdout = options.stdoutFile === undefined ? ('ignore' as const) : openSync(options.stdoutFile, 'a', 0o600);
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(options.input)], {
    stdio: ['ignore', stdout, 'inherit', 'ipc'],
    execArgv: [...(options.execArgv ?? [])],
    env: { ...process.env, ...options.env },
  });
  if (typeof stdout === 'number') closeSync(stdout);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const ready = Promise.withResolvers<unknown>();
  child.on('message', (message) => receive(message as FromChild, waiting, ready.resolve));
  gone.then(() => {
    const ended = new Error(`${file} ended (${child.exitCode ?? child.signalCode})`);
    ready.reject(ended);
    for (const { reject } of waiting.values()) reject(ended);
  });
  const hello = await ready.promise;
  let asked = 0;
  return {
    pid: child.pid ?? 0,
    hello,
    ask<T>(question: string, input?: unknown) {
      return new Promise<T>((resolve, reject) => {
        const id = ++asked;
        waiting.set(id, { resolve: (value) => resolve(value as T), reject });
        child.send({ id, question, input });
      });
    },
    stop: () => end(child, gone),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function receive(
  message: FromChild,
  waiting: Map<number, { resolve(value: unknown): void; reject(error: Error): void }>,
  hello: (value: unknown) => void,
): void {
  if ('hello' in message) {
    hello(message.hello);
    return;
  }
  const asked = waiting.get(message.id);
  waiting.delete(message.id);
  if ('failed' in message) asked?.reject(new Error(message.failed));
  else asked?.resolve(message.result);
}

/** Longest a child may take to close what it holds. */
const endMsMax = 20_000;

async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  if (child.connected) child.disconnect();
  const late = setTimeout(() => child.kill('SIGKILL'), endMsMax);
  await gone;
  clearTimeout(late);
}

/** The child's side: what it was given. */
export function inputOf<T>(): T {
  return JSON.parse(process.argv[2] ?? 'null') as T;
}

export type Answers = Readonly<Record<string, (input: never) => unknown>>;

/** The child's side: says hello, answers questions, and closes and exits when nobody is left to ask. */
export function serve(hello: unknown, answers: Answers, close: () => Promise<unknown>): void {
  process.on('message', async ({ id, question, input }: { id: number; question: string; input: unknown }) => {
    try {
      const answer = answers[question];
      if (answer === undefined) throw new Error(`nobody here answers ${question}`);
      process.send?.({ id, result: await answer(input as never) });
    } catch (error) {
      process.send?.({ id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.once('disconnect', () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  // The terminal's Ctrl-C reaches children too; the bench tells them when to go.
  process.on('SIGINT', () => {});
  process.send?.({ hello });
}

/** Milliseconds of CPU this process has used. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
