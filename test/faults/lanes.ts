/**
 * Suites as processes of their own, a few at a time: one that hangs, crashes or eats its memory fails by itself and takes
 * no other with it, and none leaves a process behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/runtime/clock.ts';
import type { SuiteEntry } from './suites.ts';
import { type Ended, isSuiteResult } from './verdict.ts';

export interface LaneOptions {
  readonly lanes: number;
  /** Longest one suite may take, ms. */
  readonly limitMs: number;
  /** The program a suite runs in, and its arguments. */
  readonly command: (suite: SuiteEntry) => readonly [file: string, ...args: string[]];
  /** Each line a suite says, and when suites begin and end. */
  readonly say: (suite: string, line: string) => void;
  readonly signal: AbortSignal;
}

/** Lines of a suite's output that are kept for the case that it dies. */
const lastLinesMax = 30;
/** For a suite that is told to go. */
const goMsMax = 1_000;
/** A process of another group that inherited the output could hold it open. */
const lastWordsMsMax = 2_000;

/** Runs all, in the order given; rejects only when the signal aborts, with nothing left running. */
export async function runInLanes(suites: readonly SuiteEntry[], options: LaneOptions): Promise<readonly Ended[]> {
  const left = [...suites];
  const ended: Ended[] = [];
  async function lane() {
    for (let suite = left.shift(); suite !== undefined; suite = left.shift()) {
      options.signal.throwIfAborted();
      options.say(suite.name, 'begins');
      const one = await runOne(suite, options);
      options.say(suite.name, `${one.died?.why ?? 'ended'} after ${one.seconds} s`);
      ended.push(one);
    }
  }
  await Promise.all(Array.from({ length: options.lanes }, lane));
  options.signal.throwIfAborted();
  return suites.flatMap((suite) => ended.find((one) => one.suite === suite) ?? []);
}

async function runOne(suite: SuiteEntry, { command, limitMs, say, signal }: LaneOptions): Promise<Ended> {
  const startedMs = performance.now();
  const [file, ...args] = command(suite);
  // A group of its own, so that whatever it started can be ended with it.
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true });
  const lastLines: string[] = [];
  const hear = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > lastLinesMax) lastLines.shift();
    say(suite.name, line);
  };
  for (const input of [child.stdout, child.stderr]) if (input !== null) createInterface({ input }).on('line', hear);
  let told: unknown;
  child.on('message', (message) => {
    told = message;
  });
  let hung = false;
  const late = setTimeout(() => {
    hung = true;
    stop();
  }, limitMs);
  // Nobody to tell is the sign to go, and to take its files and processes along; who does not see it is ended.
  const stop = () => {
    if (child.connected) child.disconnect();
    setTimeout(() => endGroup(child), goMsMax).unref();
  };
  signal.addEventListener('abort', stop);
  const end = await ending(child);
  clearTimeout(late);
  signal.removeEventListener('abort', stop);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  if (hung) return { suite, seconds, died: { why: `hung: killed after ${limitMs / 1_000} s`, lastLines } };
  if (isSuiteResult(told) && end === '') return { suite, seconds, result: told };
  return { suite, seconds, died: { why: end === '' ? 'ended without a result' : end, lastLines } };
}

/** How it ended, once its last words and its result are read; '' where it ended well. */
async function ending(child: ChildProcess): Promise<string> {
  // Not the child's own `close`: it never comes where we hung up first.
  const silent = [child.stdout, child.stderr].map(
    (stream) => new Promise<unknown>((done) => stream?.once('close', done)),
  );
  const channelEnded = new Promise<unknown>((done) => child.once('disconnect', done));
  const word = await new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(`could not be started: ${message}`));
    child.once('exit', (code, by) => resolve(code === 0 ? '' : `ended with ${by ?? `exit code ${code}`}`));
  });
  // What it left behind would keep its output open for ever.
  endGroup(child);
  const patience = new AbortController();
  const enough = systemClock()
    .sleep(lastWordsMsMax, patience.signal)
    .catch(() => undefined);
  await Promise.race([Promise.all([...silent, channelEnded]), enough]);
  patience.abort();
  return word;
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}
