/**
 * `npm run bench`: what the service takes and gives, measured on this machine with real processes. It asserts nothing and
 * exits 0 whether targets are reached or not: a busy machine is no fault of the code. What it needs it starts, and what it
 * started it ends.
 */

import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createClosers } from '../../src/runtime/closers.ts';
import { table } from './figures.ts';
import { measureIdle } from './parts/idle.ts';
import { measureIndex } from './parts/index.ts';
import { measureInventory } from './parts/inventory.ts';
import { measureOutage } from './parts/outage.ts';
import type { Found, PartOptions } from './parts/part.ts';
import { measureRecovery } from './parts/recovery.ts';
import { measureRotations } from './parts/rotations.ts';
import { measureSeal } from './parts/seal.ts';
import { measureWrites } from './parts/writes.ts';
import { rounded, type Spread } from './stats.ts';

const parts: Readonly<Record<string, (options: PartOptions) => Promise<Found>>> = {
  rotations: measureRotations,
  seal: measureSeal,
  writes: measureWrites,
  index: measureIndex,
  inventory: measureInventory,
  outage: measureOutage,
  recovery: measureRecovery,
  idle: measureIdle,
};

const help = `node test/bench/main.ts [--json] [--only PART]... [--long] [--profile FOLDER]

  --json            one JSON object on standard output instead of a table
  --only PART       ${Object.keys(parts).join(', ')}; may be repeated
  --long            the sizes of a million connections as well (minutes, some GB of memory)
  --profile FOLDER  CPU profiles of worker and bare loop (part rotations)
`;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    long: { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** Progress goes to standard error, so that standard output holds the result alone. */
const say = (line: string) => void process.stderr.write(`${line}\n`);

const closing = new Set<() => Promise<void>>();

async function runPart(name: string, run: (options: PartOptions) => Promise<Found>): Promise<Found> {
  const closers = createClosers();
  const close = () => closers.closeAll();
  closing.add(close);
  try {
    return await run({ long: values.long, profile: values.profile, say: (line) => say(`${name}: ${line}`), closers });
  } finally {
    closing.delete(close);
    await close();
  }
}

async function bench(names: readonly string[]): Promise<void> {
  const startedMs = performance.now();
  const figures: Record<string, number> = {};
  const spread: Record<string, Spread> = {};
  const details: Record<string, unknown> = {};
  for (const name of names) {
    const run = parts[name];
    if (run === undefined) continue;
    const found = await runPart(name, run);
    Object.assign(figures, found.figures);
    Object.assign(spread, found.spread);
    if (found.details !== undefined) details[name] = found.details;
  }
  const machine = { node: process.versions.node, cores: availableParallelism(), load: loadavg().map(rounded) };
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  if (values.json) {
    const plain = Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, rounded(value)]));
    process.stdout.write(`${JSON.stringify({ ...plain, spread, details, ...machine, seconds }, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${table(figures, spread)}\n\nNode ${machine.node}, ${machine.cores} cores, ${seconds} s\n`);
}

async function interrupted(): Promise<never> {
  await Promise.allSettled([...closing].map((close) => close()));
  process.exit(130);
}

const names = values.only ?? Object.keys(parts);
const unknown = names.filter((name) => !Object.hasOwn(parts, name));
if (values.help) process.stdout.write(help);
else if (unknown.length > 0) {
  process.stderr.write(`there is no part ${unknown.join(', ')}\n\n${help}`);
  process.exitCode = 2;
} else {
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  await bench(names);
}
