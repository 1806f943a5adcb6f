/** The audit trail: complete, chained, free of tokens, and never in the way of a rotation. */
import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AuditEvent, createAudit, verifyAudit } from '../../src/telemetry/audit.ts';
import { withCopy } from '../../src/telemetry/audit-copy.ts';
import { logDestination } from '../../src/telemetry/log.ts';

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

describe('withCopy', () => {
  it('gives both the same lines, and the copy those as well that the disk did not take', () => {
    const lines: string[] = [];
    const copied: string[] = [];
    const failures: unknown[] = [];
    const full = new Error('no space');
    let isFull = false;
    const audit = createAudit({
      clock,
      write: withCopy({
        file(line) {
          if (isFull) throw full;
          lines.push(line);
        },
        copy: (line) => copied.push(line),
        onFailure: (error) => failures.push(error),
      }),
    });
    for (const connection of ['a', 'b', 'c']) {
      isFull = connection === 'b';
      audit.record(event({ connection }));
    }
    expect(verifyAudit(copied)).toEqual([]);
    expect(lines).toEqual([copied[0], copied[2]]);
    expect(verifyAudit(lines)).toEqual([{ line: 2, problem: 'does not follow the line before it' }]);
    expect(failures).toEqual([full]);
  });

  it('keeps the chain of the file whole where the copy ends on a full disk', () => {
    const lines: string[] = [];
    const codes: unknown[] = [];
    const descriptor = openSync('/dev/full', 'w');
    const full = logDestination(descriptor);
    const audit = createAudit({
      clock,
      write: withCopy({
        file: (line) => void lines.push(line),
        copy: (line) => full.write(line),
        onFailure: (error) => codes.push((error as { code?: unknown }).code),
      }),
    });
    audit.record(event({ connection: 'a' }));
    audit.record(event({ connection: 'b' }));
    closeSync(descriptor);
    expect(lines).toHaveLength(2);
    expect(verifyAudit(lines)).toEqual([]);
    expect(codes).toEqual(['ENOSPC', 'ENOSPC']);
    expect(audit.failures()).toBe(0);
  });

  it('goes on from the last line that one of the two took where both fail', () => {
    const lines: string[] = [];
    const told: unknown[] = [];
    const full = new Error('no space');
    let isFull = true;
    const taking = (line: string) => {
      if (isFull) throw full;
      lines.push(line);
    };
    const copy = () => {
      if (isFull) throw full;
    };
    const onFailure = (error: unknown) => told.push(error);
    const audit = createAudit({ clock, write: withCopy({ file: taking, copy, onFailure }) });
    audit.record(event());
    isFull = false;
    audit.record(event());
    expect(verifyAudit(lines)).toEqual([]);
    expect(told).toEqual([full]);
    expect(audit.failures()).toBe(1);
  });
});
