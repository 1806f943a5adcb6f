/** The audit stream's files: continued after a restart, put aside when full, and no line lost by any of it. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasCode } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { createAudit, verifyAudit } from '../../src/telemetry/audit.ts';
import { openAuditFile } from '../../src/telemetry/audit-file.ts';

const startedAt = Date.UTC(2026, 10, 20, 8, 0, 0);
let now = startedAt;
const clock = { now: () => now };
let folder = '';
let path = '';
let random = seededRandom(1);
let failures: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-audit-'));
  path = join(folder, 'audit.log');
  now = startedAt;
  random = seededRandom(1);
  failures = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

function event(connection: string) {
  return {
    attempt: '3c1b1c39-4ed2-4f0e-9d5f-0c1b1c394ed2',
    connection,
    provider: 'acme',
    environment: 'production',
    client: 'acme-main',
    reason: 'due',
    versionOld: 'v-old',
    versionNew: 'v-new',
    fingerprintOld: '0123456789ab',
    fingerprintNew: 'ba9876543210',
    outcome: 'rotated',
    phasesMs: { post: 812.3 },
    startedAt: now,
  };
}

/** A process: opens the stream and writes lines about connections, a second after the other. */
function open({ maxBytes = 1_000_000, keep = 3 } = {}, file = path) {
  const opened = openAuditFile(file, { maxBytes, keep, clock, random, onFailure: (label) => failures.push(label) });
  const audit = createAudit({ ...opened, clock, onFailure: (label) => failures.push(label) });
  return {
    record(...connections: string[]) {
      for (const connection of connections) {
        now += 1_000;
        audit.record(event(connection));
      }
    },
    close: () => opened.close(),
  };
}

/** One that ends at once after writing. */
function record(connections: readonly string[], limits?: { maxBytes?: number; keep?: number }) {
  const one = open(limits);
  one.record(...connections);
  one.close();
}

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean);
const older = () =>
  readdirSync(folder)
    .filter((name) => name !== 'audit.log')
    .sort()
    .map((name) => join(folder, name));
const all = () => [...older(), path].filter((file) => existsSync(file)).flatMap(linesOf);
const connectionsIn = (lines: readonly string[]) =>
  lines.map((line) => (JSON.parse(line) as { connection: string }).connection);
const named = (count: number) => Array.from({ length: count }, (_, place) => `c-${String(place).padStart(3, '0')}`);

/** Bytes of one line, so that a limit holds so many. */
function lineBytes(): number {
  record(['c-000']);
  const { size } = statSync(path);
  rmSync(path);
  now = startedAt;
  return size;
}

describe('an audit file', () => {
  it('is appended to, continues the chain after a restart, and is readable by its owner only', () => {
    for (const connection of ['a', 'b', 'c']) record([connection]);
    expect(linesOf(path)).toHaveLength(3);
    expect(verifyAudit(linesOf(path))).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('lets a line cut short by a crash spoil itself only', () => {
    record(['a', 'b']);
    truncateSync(path, statSync(path).size - 20);
    record(['c']);
    expect(linesOf(path)).toHaveLength(3);
    expect(verifyAudit(linesOf(path))).toEqual([{ line: 2, problem: 'is not an audit line (cut short or not ours)' }]);
  });

  it('gives its last line where it is longer than what is read of it', () => {
    record(['a']);
    const before = linesOf(path);
    appendFileSync(path, `${'x'.repeat(100_000)}\n`);
    record(['b']);
    expect(linesOf(path)).toHaveLength(3);
    record(['c']);
    expect(verifyAudit(linesOf(path).slice(2), '0'.repeat(64))).toEqual([]);
    expect(verifyAudit(before)).toEqual([]);
  });

  it('is no link, and what cannot be opened is named', () => {
    const link = join(folder, 'link');
    symlinkSync(join(folder, 'elsewhere'), link);
    expect(() => open({}, link)).toThrow(link);
    try {
      open({}, join(folder, 'missing', 'audit'));
      expect.unreachable();
    } catch (error) {
      expect(hasCode(error, 'config_invalid')).toBe(true);
    }
  });
});

describe('a full audit file', () => {
  it('is put aside whole: no line is missing or doubled, the chain runs through all files, and the mode stays', () => {
    const maxBytes = 5 * lineBytes();
    const names = named(17);
    record(names, { maxBytes });
    expect([...older(), path].map((file) => linesOf(file).length)).toEqual([5, 5, 5, 2]);
    expect(connectionsIn(all())).toEqual(names);
    expect(verifyAudit(all())).toEqual([]);
    for (const file of [...older(), path]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(older()[0]).toMatch(/audit\.log\.20261120T080006000Z-[0-9a-f]{8}$/);
    expect(failures).toEqual([]);
  });

  it('pushes out the oldest, and nothing else in the folder', () => {
    const maxBytes = 2 * lineBytes();
    const strangers = ['audit.log.bak', 'audit.log.1', 'audit-flush.log.20260101T000000000Z-00000000', 'other.log'];
    for (const name of strangers) writeFileSync(join(folder, name), '');
    record(named(20), { maxBytes, keep: 3 });
    expect(strangers.filter((name) => !existsSync(join(folder, name)))).toEqual([]);
    const ours = older().filter((file) => !strangers.includes(file.slice(folder.length + 1)));
    expect(ours).toHaveLength(3);
    const kept = [...ours, path].flatMap(linesOf);
    expect(connectionsIn(kept)).toEqual(named(20).slice(-8));
    const first = JSON.parse(kept[0] ?? '') as { prev: string };
    expect(verifyAudit(kept, first.prev)).toEqual([]);
  });

  it('leaves nothing behind where no older file is to be kept', () => {
    record(named(9), { maxBytes: 2 * lineBytes(), keep: 0 });
    expect(older()).toEqual([]);
    expect(connectionsIn(linesOf(path))).toEqual(['c-008']);
  });

  it('never grows beyond its limit, but by a line that is longer than the limit', () => {
    const bytes = lineBytes();
    const one = open({ maxBytes: 3 * bytes });
    for (const name of named(30)) {
      one.record(name);
      expect(statSync(path).size).toBeLessThanOrEqual(3 * bytes);
    }
    one.close();
    rmSync(path);
    record(['a', 'b'], { maxBytes: 10 });
    expect(linesOf(path)).toHaveLength(1);
  });

  it('is followed by the same chain when the process ended before the next line was written', () => {
    record(['a', 'b']);
    renameSync(path, `${path}.20261120T080002000Z-00000000`);
    record(['c']);
    expect(connectionsIn(all())).toEqual(['a', 'b', 'c']);
    expect(verifyAudit(all())).toEqual([]);
  });

  it('loses no line where two processes write it, whichever puts it aside', () => {
    // Names here are longer.
    const maxBytes = 4 * lineBytes() + 100;
    const one = open({ maxBytes, keep: 100 });
    const other = open({ maxBytes, keep: 100 });
    for (const name of named(40)) {
      one.record(`one-${name}`);
      // In bursts, so that each finds the file put aside by the other.
      if (name.endsWith('3') || name.endsWith('7'))
        for (let time = 0; time < 5; time++) other.record(`other-${name}-${time}`);
    }
    one.close();
    other.close();
    const lines = connectionsIn(all());
    expect(lines.filter((name) => name.startsWith('one-'))).toHaveLength(40);
    expect(lines.filter((name) => name.startsWith('other-'))).toHaveLength(40);
    expect(new Set(lines).size).toBe(80);
    expect(failures).toEqual([]);
    // Each file holds what it may: neither took the other's new one for full.
    expect(Math.min(...older().map((file) => linesOf(file).length))).toBe(4);
  });

  it('is written on where it cannot be put aside, is counted once for many lines, and is put aside later', () => {
    const bytes = lineBytes();
    const one = open({ maxBytes: 2 * bytes, keep: 10 });
    one.record('a', 'b');
    // A folder in its place: what bears the name is not the file that is held, and cannot be opened.
    const moved = join(folder, 'moved');
    renameSync(path, moved);
    mkdirSync(path);
    one.record(...named(50));
    expect(failures).toEqual(['Error:EISDIR']);
    expect(connectionsIn(linesOf(moved))).toEqual(['a', 'b', ...named(50)]);
    rmSync(path, { recursive: true });
    renameSync(moved, path);
    one.record(...named(60));
    one.close();
    expect(failures).toHaveLength(1);
    expect(older()).not.toEqual([]);
    expect(connectionsIn(all())).toEqual(['a', 'b', ...named(50), ...named(60)]);
    expect(verifyAudit(all())).toEqual([]);
  });

  it('is followed where somebody else rotates it or deletes it', () => {
    const one = open();
    one.record('a');
    renameSync(path, `${path}.1`);
    one.record('b');
    rmSync(path);
    one.record('c');
    one.close();
    expect(connectionsIn(linesOf(`${path}.1`))).toEqual(['a']);
    expect(connectionsIn(linesOf(path))).toEqual(['c']);
    expect(failures).toEqual([]);
  });

  it('does not take a link planted in its place', () => {
    const one = open();
    one.record('a');
    const moved = join(folder, 'moved');
    renameSync(path, moved);
    symlinkSync(join(folder, 'elsewhere'), path);
    one.record('b');
    one.close();
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
    expect(connectionsIn(linesOf(moved))).toEqual(['a', 'b']);
    expect(failures).toEqual(['Error:ELOOP']);
  });
});
