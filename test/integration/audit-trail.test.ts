/** The service's audit trail: what a log collector gets of it, and what is said where its file fails. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTrail } from '../../src/audit-trail.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { type LogFields, silentLogger } from '../../src/runtime/logger.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import type { Services } from '../../src/services.ts';
import { verifyAudit } from '../../src/telemetry/audit.ts';
import type { Metrics } from '../../src/telemetry/metrics.ts';

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'pilotlight-audit-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const program = new URL('../support/audit-process.ts', import.meta.url).pathname;

async function written(audit: { maxBytes: number; keep: number; stdout: boolean }, lines: number): Promise<string> {
  const input = JSON.stringify({ dataDir, audit, lines });
  return (await promisify(execFile)(process.execPath, [program, input], { maxBuffer: 10_000_000 })).stdout;
}

const filed = () =>
  readdirSync(dataDir)
    .sort((a, b) => Number(a === 'audit.log') - Number(b === 'audit.log') || (a < b ? -1 : 1))
    .map((name) => readFileSync(join(dataDir, name), 'utf8'))
    .join('');

test('standard output has every line of the file as it is, and those the file has let go', async () => {
  const out = await written({ maxBytes: 20_000, keep: 1, stdout: true }, 300);
  const lines = out.trimEnd().split('\n');
  expect(lines).toHaveLength(300);
  expect(verifyAudit(lines)).toEqual([]);
  expect(readdirSync(dataDir)).toHaveLength(2);
  expect(filed().length).toBeGreaterThan(10_000);
  expect(out.endsWith(filed())).toBe(true);
  expect(filed().length).toBeLessThan(out.length);
}, 60_000);

test('nothing is written there unless it is asked for', async () => {
  expect(await written({ maxBytes: 1_000_000, keep: 3, stdout: false }, 3)).toBe('');
  expect(filed().trimEnd().split('\n')).toHaveLength(3);
}, 60_000);

test('a trail that fails is counted each time and named in the log now and then, and goes on', async () => {
  let now = 0;
  let counted = 0;
  const said: [string, LogFields | undefined][] = [];
  const clock = { now: () => now, monotonic: () => now };
  const log = { ...silentLogger, error: (event: string, fields?: LogFields) => void said.push([event, fields]) };
  const services = {
    config: { dataDir, audit: { maxBytes: 65_536, keep: 1, stdout: false } },
    deps: { clock, random: seededRandom(1), log },
  } as unknown as Services;
  const metrics = {
    auditFailure() {
      counted += 1;
    },
  } as unknown as Metrics;
  const closers = createClosers();
  const trail = await openTrail(services, metrics, closers);
  const file = join(dataDir, 'audit.log');
  renameSync(file, `${file}.moved`);
  mkdirSync(file);
  for (let line = 0; line < 250; line++) trail.recordConsent({ provider: 'acme', outcome: 'started' });
  expect(counted).toBe(3);
  expect(said).toEqual([['audit.failed', { file, code: 'Error:EISDIR' }]]);
  now = 600_000;
  for (let line = 0; line < 100; line++) trail.recordConsent({ provider: 'acme', outcome: 'started' });
  expect(said).toHaveLength(2);
  expect(verifyAudit(readFileSync(`${file}.moved`, 'utf8').trimEnd().split('\n'))).toEqual([]);
  expect(trail.failures()).toBe(0);
  await closers.closeAll();
});
