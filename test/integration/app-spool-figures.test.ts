/** What the running service says of its spool, and of each attempt: gauges that are right, and an audit line without a token. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyAudit } from '../../src/telemetry/audit.ts';
import { day, type Rig, startRig } from '../support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
  rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
  rig.clock.turn(15 * day);
});
afterEach(() => rig.stop());

/** The spool's lines of /metrics. */
async function exported(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  const lines = [...text.matchAll(/^pilotlight_(spool_\S+) (\S+)$/gm)];
  return Object.fromEntries(lines.map(([, name = '', value]) => [name, Number(value)]));
}

async function audited() {
  const text = await readFile(join(rig.config.dataDir, 'audit.log'), 'utf8');
  expect(text).not.toContain('PLTOKEN');
  const lines = text.trimEnd().split('\n');
  expect(verifyAudit(lines)).toEqual([]);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const counts = (intent: number, answered: number) => ({
  'spool_records{state="intent"}': intent,
  'spool_records{state="answered"}': answered,
  'spool_records{state="unreadable"}': 0,
});

test('the spool is empty, then holds an intent, then an answer, then nothing; its age is the record that waits', async () => {
  const slow = rig.sandbox.faults.inject({ kind: 'slow', ms: 1_500 }, { connection: 'acme' });
  const down = rig.double.faults.add({
    ...{ op: 'PutSecretValue', secret: 'acme', skip: 1, times: 1_000 },
    what: { error: 'InternalServiceError', status: 500 },
  });
  const sealed = rig.next('acme', ({ outcome }) => outcome === 'sealed');
  const startedAt = rig.clock.now() / 1_000;
  const { url } = await rig.start();
  await expect.poll(() => slow.fired(), { timeout: 15_000 }).toBe(1);
  expect(await exported(url)).toEqual({ ...counts(1, 0), spool_oldest_timestamp_seconds: startedAt });
  await sealed;
  rig.clock.turn(3_600_000);
  expect(await exported(url)).toEqual({
    ...counts(0, 1),
    spool_oldest_timestamp_seconds: startedAt,
    spool_oldest_answered_timestamp_seconds: startedAt,
  });
  const home = rig.next('acme', ({ outcome }) => outcome === 'rotated');
  down.remove();
  await home;
  expect(await exported(url)).toEqual(counts(0, 0));
});

test('each attempt leaves one line for each thing it came to: versions, fingerprints, outcome, latency', async () => {
  const versionOld = rig.double.secrets.current('acme')?.versionId;
  const down = rig.double.faults.add({
    ...{ op: 'PutSecretValue', secret: 'acme', skip: 1, times: 1_000 },
    what: { error: 'InternalServiceError', status: 500 },
  });
  const sealed = rig.next('acme', ({ outcome }) => outcome === 'sealed');
  await rig.start();
  await sealed;
  const [record = ''] = await readdir(rig.config.spool.directory);
  const home = rig.next('acme', ({ outcome }) => outcome === 'rotated');
  down.remove();
  await home;
  const lines = await audited();
  const [first, last] = [lines[0], lines.at(-1)];
  const versionNew = rig.double.secrets.current('acme')?.versionId;
  const hex = expect.stringMatching(/^[0-9a-f]{12}$/);
  for (const line of [first, last])
    expect(line).toMatchObject({
      ...{ event: 'rotation.attempt', attempt: record.replace(/\.rec$/, ''), connection: 'acme' },
      ...{ provider: 'docusign', environment: 'production', client: 'rig', status: 200, versionOld, versionNew },
      ...{ fingerprintOld: hex, fingerprintNew: hex, durationMs: expect.any(Number) },
    });
  expect(first).toMatchObject({
    ...{ outcome: 'sealed', reason: 'due' },
    phasesMs: {
      request: expect.any(Number),
      seal: expect.any(Number),
      write: expect.any(Number),
      total: expect.any(Number),
    },
  });
  expect(last).toMatchObject({ outcome: 'rotated', reason: 'recover' });
  expect(last?.fingerprintNew).toBe(first?.fingerprintNew);
  expect(first?.fingerprintNew).not.toBe(first?.fingerprintOld);
});
