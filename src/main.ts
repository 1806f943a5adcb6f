/**
 * The process: arguments, configuration, signals, exit codes. The only reader of `process.*` beside `runtime/`. Everything
 * it does is a command; `run` is the service.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseDuration } from '../config/duration.ts';
import { loadConfig } from '../config/load.ts';
import { renderConfig } from '../config/render.ts';
import { type App, startApp } from './app.ts';
import type { CommandContext } from './cli/context.ts';
import { runCommand } from './cli/program.ts';
import { openForCommand } from './opened.ts';
import { openSpoolForCommand } from './opened-spool.ts';
import { systemClock } from './runtime/clock.ts';
import { describeError } from './runtime/errors.ts';
import { type Logger, silentLogger } from './runtime/logger.ts';
import { systemMachine } from './runtime/machine.ts';
import { systemRandom } from './runtime/random.ts';
import type { Deps } from './services.ts';
import { installLastResort } from './telemetry/last-resort.ts';
import { createLogger, logDestination } from './telemetry/log.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';

/** All is closed by then; the process ends by itself, or it never would. */
const lingerMsMax = 1_000;

const packageFile = join(import.meta.dirname, '..', 'package.json');
const build = {
  version: String((JSON.parse(readFileSync(packageFile, 'utf8')) as { version: unknown }).version),
  commit: process.env.PILOTLIGHT_COMMIT ?? 'unknown',
  node: process.versions.node,
};

type Loaded = ReturnType<typeof loadConfig> & { ok: true };

function metricsOf({ config }: Loaded): Metrics {
  const providers = Object.keys(config.providers);
  return createMetrics({ providers, queues: providers, build });
}

function depsOf(loaded: Loaded, log: Logger, metrics: Metrics): Deps {
  return {
    clock: systemClock(),
    random: systemRandom(),
    log,
    machine: systemMachine(),
    redisUrl: loaded.redisUrl,
    inKubernetes: loaded.inKubernetes,
    say: (line) => void process.stderr.write(`${line}\n`),
    credentialsCacheMs: 60_000,
    observeStore: (operation, outcome, durationMs) => metrics.storeRequest(operation, outcome, durationMs),
  };
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once: what is sealed is on disk. */
function untilTold(log: Logger): Promise<void> {
  return new Promise((told) => {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1;
      log.info('service.signal', { signal });
      if (signals > 1) process.exit(130);
      told();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

async function run(loaded: Loaded, role: 'all' | 'scheduler' | 'worker'): Promise<number> {
  const { config } = loaded;
  const log = createLogger({
    level: config.log.level,
    destination: logDestination(1),
    clock: systemClock(),
    base: { as: role },
  });
  installLastResort({ emitter: process, logger: log, fatal: () => process.exit(70) });
  const told = untilTold(log);
  const metrics = metricsOf(loaded);
  try {
    const app = await startApp(config, { role, metrics, deps: depsOf(loaded, log, metrics), version: build.version });
    void app.settled.then(() => hintWhereEmpty(app, log));
    await told;
    // What did not come to its end is on the disk; what still tries must not keep the process.
    if ((await app.stop()) > 0) process.exit(1);
    return 0;
  } catch (error) {
    log.error('service.failed', describeError(error));
    const { message, code } = describeError(error);
    process.stderr.write(`pilotlight: ${message ?? code}\n`);
    return 1;
  }
}

/** A newcomer's first start: nothing is wrong, there is only nothing yet. */
async function hintWhereEmpty({ services }: App, log: Logger): Promise<void> {
  const { index, lamps } = services;
  // Only a complete pass says that there is nothing.
  const looked = (await lamps.read().catch(() => undefined))?.has('inventory') === true;
  if (!looked || (await index.count().catch(() => undefined)) !== 0) return;
  log.info('service.empty', {
    hint: 'nothing to keep alive yet: add a connection with pilotlight import (npx pilotlight import --help)',
  });
}

/** Aborts at the first signal; the second one ends the process as it would have without us. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Loaded only when asked for: the service never carries the sandbox. */
const demo: CommandContext['demo'] = async (options) => {
  const { runDemoCommand } = await import('./run-demo.ts');
  const stream = options.json ? process.stderr : process.stdout;
  return runDemoCommand(options, {
    signal: interruption(),
    out: (line) => void process.stdout.write(line),
    screen: {
      write: (line) => void stream.write(line),
      terminal: stream.isTTY === true,
      colour: stream.isTTY === true && (process.env.NO_COLOR ?? '') === '',
      columns: () => stream.columns ?? 100,
    },
  });
};

const context: CommandContext = {
  out: (line) => void process.stdout.write(line),
  err: (line) => void process.stderr.write(line),
  readInput: () => text(process.stdin),
  readFile: (path) => readFile(path, 'utf8'),
  terminal: process.stdout.isTTY === true,
  columns: process.stdout.isTTY === true ? process.stdout.columns : undefined,
  plain: (process.env.NO_COLOR ?? '') !== '' || process.env.TERM === 'dumb',
  interruption,
  clock: systemClock(),
  version: build,
  loadConfig: (file) => loadConfig({ file, env: process.env }),
  renderConfig,
  readDuration: parseDuration,
  open(loaded, purpose) {
    const metrics = metricsOf(loaded);
    return openForCommand(loaded, depsOf(loaded, silentLogger, metrics), { metrics }, purpose);
  },
  openSpool(loaded) {
    const metrics = metricsOf(loaded);
    return openSpoolForCommand(loaded, depsOf(loaded, silentLogger, metrics), { metrics });
  },
  run,
  demo,
};

/** A reader that left early (`| head`) is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await runCommand(process.argv.slice(2), context);
// What could not be closed must not keep the process: a connection to a Redis that hangs, a request nobody answers.
setTimeout(() => process.exit(), lingerMsMax).unref();
