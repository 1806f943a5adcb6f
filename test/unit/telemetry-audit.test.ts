/** The audit trail: complete, chained, free of tokens, and never in the way of a rotation. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasCode } from '../../src/runtime/errors.ts';
import { type AuditEvent, createAudit, verifyAudit } from '../../src/telemetry/audit.ts';
import { openAuditFile } from '../../src/telemetry/audit-file.ts';

const startedAt = Date.UTC(2026, 10, 20, 8, 0, 0);
const clock = { now: () => startedAt + 1_234 };

function event(over: Partial<AuditEvent> = {}): AuditEvent {
  return {
    attempt: '3c1b1c39-4ed2-4f0e-9d5f-0c1b1c394ed2',
    connection: 'acme/docusign',
    provider: 'docusign',
    environment: 'production',
    client: 'docusign-main',
    reason: 'due',
    versionOld: 'v-old',
    versionNew: 'v-new',
    fingerprintOld: '0123456789ab',
    fingerprintNew: 'ba9876543210',
    outcome: 'rotated',
    status: 200,
    phasesMs: { post: 812.345, swap: 40 },
    startedAt,
    ...over,
  };
}

function trail(previous?: string) {
  const lines: string[] = [];
  const audit = createAudit({ write: (line) => lines.push(line), clock, previous });
  return { audit, lines };
}

describe('createAudit', () => {
  it('writes who, what, when, which versions and how long', () => {
    const { audit, lines } = trail();
    audit.record(event());
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event: 'rotation.attempt',
      attempt: '3c1b1c39-4ed2-4f0e-9d5f-0c1b1c394ed2',
      connection: 'acme/docusign',
      client: 'docusign-main',
      reason: 'due',
      outcome: 'rotated',
      status: 200,
      versionOld: 'v-old',
      versionNew: 'v-new',
      fingerprintOld: '0123456789ab',
      fingerprintNew: 'ba9876543210',
      startedAt: '2026-11-20T08:00:00.000Z',
      settledAt: '2026-11-20T08:00:01.234Z',
      durationMs: 1_234,
      phasesMs: { post: 812.3, swap: 40 },
      prev: '0'.repeat(64),
    });
  });

  it('shows a line that was changed, dropped, moved or put in between', () => {
    const { audit, lines } = trail();
    for (const connection of ['a', 'b', 'c', 'd']) audit.record(event({ connection }));
    const [a = '', b = '', c = '', d = ''] = lines;
    expect(verifyAudit([a, b, c, d])).toEqual([]);
    expect(verifyAudit([a, b.replace('"rotated"', '"notDue"'), c, d]).map(({ line }) => line)).toEqual([2]);
    expect(verifyAudit([a, c, d]).map(({ line }) => line)).toEqual([2]);
    expect(verifyAudit([a, c, b, d])).not.toEqual([]);
    expect(verifyAudit([a, b, b, c, d])).not.toEqual([]);
    expect(verifyAudit([b, c, d])).not.toEqual([]);
    expect(verifyAudit([a, 'not a line', b, c, d]).map(({ line }) => line)).toEqual([2]);
  });

  it('never writes a token, in whichever field one is handed over', () => {
    const token = `eyJ0eXAiOiJNVCJ9.${'CANARY0123456789'.repeat(4)}.sig`;
    const { audit, lines } = trail();
    const fields = [
      'attempt',
      'connection',
      'provider',
      'client',
      'reason',
      'outcome',
      'error',
      'versionOld',
      'versionNew',
    ] as const;
    for (const field of fields) audit.record(event({ [field]: token }));
    audit.record(
      event({ fingerprintOld: 'CANARY', fingerprintNew: token, phasesMs: { [token]: 1, [`x${token}`]: Number.NaN } }),
    );
    expect(lines).toHaveLength(fields.length + 1);
    expect(lines.join('')).not.toContain('CANARY');
    expect(verifyAudit(lines)).toEqual([]);
  });

  it('never throws when the stream fails, counts it, and chains on from the last line written', () => {
    const lines: string[] = [];
    const labels: string[] = [];
    let broken = false;
    const audit = createAudit({
      write(line) {
        if (broken) throw Object.assign(new Error('no space CANARY'), { code: 'ENOSPC' });
        lines.push(line);
      },
      clock,
      onFailure: (label) => labels.push(label),
    });
    audit.record(event());
    broken = true;
    audit.record(event());
    broken = false;
    audit.record(event());
    expect(labels).toEqual(['Error:ENOSPC']);
    expect(audit.failures()).toBe(1);
    expect(verifyAudit(lines)).toEqual([]);
  });
});

describe('openAuditFile', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-audit-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const linesOf = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');

  function record(path: string, connection: string) {
    const file = openAuditFile(path);
    createAudit({ write: file.write, clock, previous: file.previous }).record(event({ connection }));
    file.close();
  }

  it('appends, continues the chain after a restart, and is readable by its owner only', () => {
    const path = join(folder, 'audit.jsonl');
    for (const connection of ['a', 'b', 'c']) record(path, connection);
    expect(linesOf(path)).toHaveLength(3);
    expect(verifyAudit(linesOf(path))).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('lets a line cut short by a crash spoil itself only', () => {
    const path = join(folder, 'audit.jsonl');
    record(path, 'a');
    record(path, 'b');
    truncateSync(path, statSync(path).size - 20);
    record(path, 'c');
    const lines = linesOf(path);
    expect(lines).toHaveLength(3);
    expect(verifyAudit(lines)).toEqual([{ line: 2, problem: 'is not an audit line (cut short or not ours)' }]);
  });

  it('finds the last line in a file longer than what is read of it', () => {
    const path = join(folder, 'audit.jsonl');
    record(path, 'a');
    const before = linesOf(path);
    appendFileSync(path, `${'x'.repeat(100_000)}\n`);
    record(path, 'b');
    expect(linesOf(path)).toHaveLength(3);
    record(path, 'c');
    expect(verifyAudit(linesOf(path).slice(2), '0'.repeat(64))).toEqual([]);
    expect(verifyAudit(before)).toEqual([]);
  });

  it('does not follow a link and says which path cannot be opened', () => {
    const path = join(folder, 'link');
    symlinkSync(join(folder, 'elsewhere'), path);
    expect(() => openAuditFile(path)).toThrow(path);
    try {
      openAuditFile(join(folder, 'missing', 'audit'));
      expect.unreachable();
    } catch (error) {
      expect(hasCode(error, 'config_invalid')).toBe(true);
    }
  });
});
