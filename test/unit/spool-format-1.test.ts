/** Records written by the first release, byte for byte: every later one opens them, and writes none that differ without a new number. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Intent } from '../../src/rotation/ports.ts';
import {
  answerStart,
  decodeAnswer,
  decodeRecord,
  encodeAnswer,
  encodeCompact,
  encodeRecord,
  keyFor,
  type Layout,
} from '../../src/spool/format.ts';
import type { Keyring } from '../../src/spool/keyring.ts';

const folder = join(import.meta.dirname, '../support/fixtures/spool-format-1');
const kept = (name: string) => readFileSync(join(folder, name));

interface Contents {
  readonly keyring: { readonly sealWith: string; readonly keys: Readonly<Record<string, string>> };
  readonly install: string;
  readonly spaceBytes: number;
  readonly nonce: string;
  readonly intent: Intent;
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly complete: boolean;
    readonly receivedAt: number;
    readonly body: string;
  };
}

const contents = JSON.parse(kept('contents.json').toString('utf8')) as Contents;
const { intent, install } = contents;
const answer = { ...contents.answer, body: Buffer.from(contents.answer.body, 'utf8') };
const oldKey = Buffer.from(contents.keyring.keys[contents.keyring.sealWith] ?? '', 'base64');
const asThen: Keyring = { sealWith: contents.keyring.sealWith, keys: new Map([[contents.keyring.sealWith, oldKey]]) };
/** Since then another key has been added, and seals. */
const since: Keyring = { sealWith: 'newer', keys: new Map([...asThen.keys, ['newer', Buffer.alloc(32, 5)]]) };

describe('a record of format 1', () => {
  it.each<[string, Layout]>([
    ['answered.rec', 'file'],
    ['answered.mirror', 'compact'],
  ])('is opened with its answer: %s', (name, layout) => {
    for (const ring of [asThen, since]) {
      const read = decodeRecord(kept(name), install, ring, layout);
      expect(read).toMatchObject({ ok: true, intent, key: contents.keyring.sealWith });
      if (!read.ok || read.sealed === undefined) throw new Error('no answer in it');
      expect(decodeAnswer(read.sealed, intent.attempt, read.header, keyFor(ring, read.key))).toEqual(answer);
    }
  });

  it.each<[string, Layout]>([
    ['intent.rec', 'file'],
    ['intent.mirror', 'compact'],
  ])('is opened before it was answered: %s', (name, layout) => {
    expect(decodeRecord(kept(name), install, since, layout)).toMatchObject({ ok: true, intent, sealed: undefined });
  });

  it('is what is written today', () => {
    const { file, header } = encodeRecord(intent, install, asThen, contents.spaceBytes);
    expect(file.equals(kept('intent.rec'))).toBe(true);
    const sealed = encodeAnswer(answer, intent.attempt, header, oldKey, Buffer.from(contents.nonce, 'hex'));
    sealed.copy(file, answerStart);
    expect(file.equals(kept('answered.rec'))).toBe(true);
    expect(encodeCompact(header, oldKey, sealed).equals(kept('answered.mirror'))).toBe(true);
    expect(encodeCompact(header, oldKey, undefined).equals(kept('intent.mirror'))).toBe(true);
  });

  it('holds no token in clear', () => {
    for (const name of ['answered.rec', 'answered.mirror']) expect(kept(name).includes('PLTOKEN')).toBe(false);
    expect(answer.body.includes('PLTOKEN-refresh-0815-4711')).toBe(true);
  });
});
