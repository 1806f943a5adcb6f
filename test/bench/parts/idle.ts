/** What a worker process takes that has nothing to do, and how long it takes to be ready: what `npm start` runs. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Closers } from '../../../src/runtime/closers.ts';
import { freePort } from '../../support/free-port.ts';
import { credentials, region, type ServiceInput, setStage } from '../stage.ts';
import { median, spreadOf } from '../stats.ts';
import type { Found, PartOptions } from './part.ts';

const starts = 5;
/** How long a process is left alone before its memory is read. */
const settleMs = 5_000;
const startMsMax = 30_000;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const clock = systemClock();

export async function measureIdle({ closers, say }: PartOptions): Promise<Found> {
  const stage = await setStage(closers, { providerLatencyMs: 0 });
  const readyMs: number[] = [];
  const rssMb: number[] = [];
  for (let round = 0; round < starts; round++) {
    const service = await startService(stage.service(`idle-${round}`), closers);
    readyMs.push(service.readyMs);
    say(`start ${round + 1}: ready after ${Math.round(service.readyMs)} ms`);
    // Memory does not depend on the machine's noise: two readings do.
    if (round < 2) {
      await clock.sleep(settleMs);
      rssMb.push(rssMbOf(service.pid));
    }
    await service.stop();
  }
  return {
    figures: { startToReadyMs: median(readyMs), rssIdleMb: Math.max(...rssMb) },
    spread: { startToReadyMs: spreadOf(readyMs), rssIdleMb: spreadOf(rssMb) },
  };
}

/** Arguments of the start script, so that what is measured is what is run. */
function startArguments(): string[] {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: { start: string } };
  const [command, ...rest] = scripts.start.split(' ');
  if (command !== 'node')
    throw new Error('the start script does not start with node: say here how it is to be measured');
  return rest;
}

async function startService({ configFile, env }: ServiceInput, closers: Closers) {
  const port = await freePort();
  const startedMs = clock.monotonic();
  const child = spawn(process.execPath, [...startArguments(), '--role', 'worker', '--config', configFile], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      ...env,
      PILOTLIGHT_WEB_PORT: String(port),
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await gone;
  };
  closers.push('idle service', () => (child.exitCode === null && child.signalCode === null ? stop() : undefined));
  while (!(await answersReady(port))) {
    if (child.exitCode !== null) throw new Error(`the service ended with exit code ${child.exitCode}`);
    if (clock.monotonic() - startedMs > startMsMax) throw new Error('the service did not become ready');
    await clock.sleep(5);
  }
  return { readyMs: clock.monotonic() - startedMs, pid: child.pid ?? 0, stop };
}

function answersReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asking.on('error', () => resolve(false));
  });
}

function rssMbOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
}
