/** A log nobody can write to: a full disk, a terminal or a collector that is gone. Whoever logs never notices. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createLogger, logDestination } from '../../src/telemetry/log.ts';

const clock = { now: () => Date.UTC(2026, 10, 20, 8, 0, 0) };
const undo: (() => void)[] = [];
afterEach(() => {
  for (const act of undo.splice(0)) act();
});

function opened(path: string): number {
  const descriptor = openSync(path, 'a');
  undo.push(() => closeSync(descriptor));
  return descriptor;
}

test('a full disk under the log throws at nobody who logs', () => {
  const full = logDestination(opened('/dev/full'));
  expect(() => full.write('a line\n')).toThrow('ENOSPC');
  const log = createLogger({ level: 'info', destination: full, clock });
  for (let line = 0; line < 1_000; line++) log.info('service.started', { line });
});

test('the first line that can be written again is followed by how many could not', () => {
  const lines: string[] = [];
  let isFull = false;
  const destination = {
    write(line: string) {
      if (isFull) throw new Error('no space');
      lines.push(line);
    },
  };
  const log = createLogger({ level: 'info', destination, clock });
  log.info('a');
  isFull = true;
  log.info('b');
  log.error('c');
  isFull = false;
  log.info('d');
  log.info('e');
  const said = lines.map((line) => JSON.parse(line) as { event: string; lines?: number });
  expect(said.map(({ event }) => event)).toEqual(['a', 'd', 'log.lost', 'e']);
  expect(said[2]).toMatchObject({ level: 'error', lines: 2 });
});

test('a pipe that is full is waited for, and has every byte in the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-log-'));
  undo.push(() => rmSync(folder, { recursive: true }));
  const [pipe, copy] = [join(folder, 'pipe'), join(folder, 'copy')];
  execFileSync('mkfifo', [pipe]);
  const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const reader = spawn('cat', [pipe], { stdio: ['ignore', opened(copy), 'ignore'] });
  const out = logDestination(descriptor);
  // More than a pipe holds.
  const long = `${'ä'.repeat(300_000)}\n`;
  out.write(long);
  out.write('last\n');
  closeSync(descriptor);
  await once(reader, 'exit');
  expect(readFileSync(copy, 'utf8')).toBe(`${long}last\n`);
});
