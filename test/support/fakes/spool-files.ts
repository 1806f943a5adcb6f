/** Intents, answers and a spool in a folder of its own, for the spool's tests. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Intent, RawAnswer } from '../../../src/rotation/ports.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { type DiskSpool, openDiskSpool } from '../../../src/spool/disk.ts';
import { openDiskFiles } from '../../../src/spool/disk-files.ts';
import type { Keyring } from '../../../src/spool/keyring.ts';

export const canary = 'PLTOKEN-canary-refresh-4711';

const random = seededRandom(5);
export const keyA = random.bytes(32);
export const keyB = random.bytes(32);
export const ringA: Keyring = { sealWith: 'a', keys: new Map([['a', keyA]]) };
/** B seals, A only opens. */
export const ringBoth: Keyring = {
  sealWith: 'b',
  keys: new Map([
    ['a', keyA],
    ['b', keyB],
  ]),
};
export const ringB: Keyring = { sealWith: 'b', keys: new Map([['b', keyB]]) };

let counted = 0;

export function intentOf(change: Partial<Intent> = {}): Intent {
  counted += 1;
  return {
    connection: `customers/${counted}`,
    provider: 'acme-sign',
    environment: 'production',
    client: 'main',
    host: 'auth.acme.test',
    attempt: random.uuid(),
    versionOld: 'v-old',
    versionNew: random.uuid(),
    fingerprintOld: '0123456789ab',
    startedAt: 1_767_225_600_000 + counted,
    unanswered: 0,
    ...change,
  };
}

export function answerOf(change: Partial<RawAnswer> = {}): RawAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ access_token: 'at', refresh_token: canary })),
    complete: true,
    receivedAt: 1_767_225_700_000,
    ...change,
  };
}

export interface SpoolFolder {
  readonly directory: string;
  open(change?: { keyring?: Keyring; install?: string; answerSpaceBytes?: number }): Promise<DiskSpool>;
  /** Paths of the records, sorted. */
  files(): string[];
  remove(): Promise<void>;
}

/** A spool's folder under the system's temporary one, or at the path given; opened spools are closed with it. */
export function spoolFolder(directory = mkdtempSync(join(tmpdir(), 'pilotlight-spool-'))): SpoolFolder {
  const opened: { close(): Promise<void> }[] = [];
  return {
    directory,
    async open({ keyring = ringA, install = 'test', answerSpaceBytes = 8_192 } = {}) {
      const files = await openDiskFiles(directory);
      const spool = await openDiskSpool({ files, keyring, install, answerSpaceBytes, random });
      opened.push(spool);
      return spool;
    },
    files: () =>
      readdirSync(directory)
        .filter((name) => name.endsWith('.rec'))
        .sort()
        .map((name) => join(directory, name)),
    async remove() {
      for (const spool of opened) await spool.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
