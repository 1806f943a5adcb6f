/** Opens everything a soak stands on, and closes it: the calendar, what is around the service, the customers, the service. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Closers } from '../../src/runtime/closers.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { type Child, startChild } from '../bench/child.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import type { SoakOptions } from './arguments.ts';
import { createSharedCalendar, machineMs, type SharedCalendar } from './calendar.ts';
import { type Customers, createCustomers } from './population.ts';
import type { ServiceHello, ServiceInput } from './service.ts';
import { openSurroundings, type Surroundings } from './surroundings.ts';

export interface Stage {
  readonly calendar: SharedCalendar;
  readonly around: Surroundings;
  readonly customers: Customers;
  readonly service: Child & ServiceHello;
  /** Bytes the service has logged. */
  logBytes(): number;
  /** Mean length of the lines in the audit file being written. */
  auditLineBytes(): number;
  spoolFiles(): number;
  /** Files in its data folder, spool and all. */
  dataFiles(): number;
  /** Bytes in its data folder: the spool, the audit trail's files, keys. */
  dataBytes(): number;
  /** Another speed, days per second, for both sides at once. */
  setSpeed(daysPerSecond: number): Promise<void>;
}

const dayMs = 86_400_000;
/** A fixed first morning: the same seed gives the same dates. */
const firstMorning = Date.parse('2027-01-04T06:00:00Z');
/** Ahead of its time a change of speed is told by so much: a busy machine takes a while to hear. */
const aheadMs = 250;
const webhookSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export async function setStage(options: SoakOptions, closers: Closers): Promise<Stage> {
  const directory = scratchFolder('pilotlight-soak-', closers);
  const random = seededRandom(options.seed);
  const first = { fromMs: machineMs(), at: firstMorning, speed: 0 };
  const calendar = createSharedCalendar(first, systemClock());
  const around = await openSurroundings(calendar, random, closers);
  const customers = createCustomers(around, calendar, random);
  // Spread over the days of an idle window, so that no month begins with a rush.
  for (let place = 0; place < options.connections; place++)
    customers.come({ mortal: false, refreshedDaysAgo: (9 * place) / options.connections });

  const data = join(directory, 'data');
  const logFile = join(directory, 'service.log');
  const child = await startChild(new URL('./service.ts', import.meta.url).href, {
    input: {
      directory: data,
      redisUrl: around.redis.url,
      storeUrl: around.storeUrl,
      providersUrl: around.providersUrl,
      alertsUrl: around.alerts.url,
      calendar: first,
      leaks: options.leaks,
    } satisfies ServiceInput,
    stdoutFile: logFile,
    // As `npm start` runs it.
    execArgv: ['--expose-gc', '--max-semi-space-size=8'],
    env: { SOAK_WEBHOOK_SECRET: webhookSecret, REDIS_URL: undefined, NODE_OPTIONS: undefined },
  });
  closers.push('service', () => child.stop());
  const service = { ...child, ...(child.hello as ServiceHello) };
  return {
    calendar,
    around,
    customers,
    service,
    logBytes: () => sizeOf(logFile),
    auditLineBytes: () => lineBytesOf(join(data, 'audit.log')),
    dataBytes: () => bytesIn(data),
    spoolFiles: () => filesIn(service.spool),
    dataFiles: () => filesIn(data),
    async setSpeed(daysPerSecond) {
      const stretch = calendar.next(machineMs() + aheadMs, (daysPerSecond * dayMs) / 1_000);
      await service.ask('follow', stretch);
      calendar.follow(stretch);
    },
  };
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

function filesIn(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).length;
  } catch {
    // A file went while we were looking: the next look counts again.
    return 0;
  }
}

function bytesIn(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0);
  } catch {
    // A folder went while we were looking.
    return 0;
  }
}

function lineBytesOf(file: string): number {
  try {
    const text = readFileSync(file, 'utf8');
    return text.length / Math.max(1, text.split('\n').length - 1);
  } catch {
    return 0;
  }
}
