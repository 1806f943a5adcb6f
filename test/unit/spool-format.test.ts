/** A spool file's bytes: what goes in comes out, and no byte can be changed, cut, moved or borrowed unnoticed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawAnswer } from '../../src/rotation/ports.ts';
import { answerStart, decodeAnswer, decodeRecord, encodeAnswer, encodeRecord } from '../../src/spool/format.ts';
import type { Keyring } from '../../src/spool/keyring.ts';
import { answerOf, canary, intentOf, keyA, keyB, ringA, ringB, ringBoth } from '../support/fakes/spool-files.ts';

const nonce = Buffer.alloc(12, 7);

/** A record's file, sealed where an answer is given. */
function fileOf(answer?: RawAnswer, intent = intentOf(), ring: Keyring = ringA, space = 2_048) {
  const { file, header } = encodeRecord(intent, 'test', ring, space);
  const key = ring.keys.get(ring.sealWith) ?? keyA;
  const sealed = answer === undefined ? Buffer.alloc(0) : encodeAnswer(answer, intent.attempt, header, key, nonce);
  const bytes = Buffer.alloc(Math.max(file.length, answerStart + sealed.length));
  file.copy(bytes);
  sealed.copy(bytes, answerStart);
  return { bytes, header, intent, sealedEnd: answerStart + sealed.length };
}

const why = (bytes: Buffer, ring: Keyring = ringA, install = 'test') => {
  const read = decodeRecord(bytes, install, ring);
  if (!read.ok) return read.why;
  return read.torn ? 'torn' : 'opened';
};

describe('a record', () => {
  it('comes back as it was written, before and after its answer is sealed', () => {
    const { bytes, intent, header } = fileOf();
    expect(decodeRecord(bytes, 'test', ringA)).toEqual({
      ok: true,
      intent,
      header,
      key: 'a',
      sealed: undefined,
      torn: false,
    });
    const sealed = fileOf(answerOf(), intent);
    expect(decodeRecord(sealed.bytes, 'test', ringA)).toMatchObject({
      ok: true,
      intent,
      sealed: expect.any(Buffer),
    });
    expect(decodeAnswer(sealed.bytes.subarray(answerStart), intent.attempt, header, keyA)).toEqual(answerOf());
  });

  it('keeps any answer, to the byte', () => {
    const answers = fc.record({
      status: fc.integer({ min: 100, max: 599 }),
      headers: fc.dictionary(
        fc.string().filter((name) => name !== '__proto__'),
        fc.string({ unit: 'grapheme' }),
      ),
      body: fc.uint8Array({ maxLength: 5_000 }).map((bytes) => Buffer.from(bytes)),
      complete: fc.boolean(),
      receivedAt: fc.integer({ min: 0, max: 8e15 }),
    });
    fc.assert(
      fc.property(answers, (answer) => {
        const { bytes, header, intent } = fileOf(answer);
        expect(decodeAnswer(bytes.subarray(answerStart), intent.attempt, header, keyA)).toEqual({
          ...answer,
          headers: { ...answer.headers },
        });
      }),
      { numRuns: 200 },
    );
  });

  it('shows where it belongs without a key, and nothing of the answer', () => {
    const { bytes, intent } = fileOf(answerOf());
    expect(bytes.includes(intent.connection)).toBe(true);
    for (const secret of [canary, 'refresh_token', 'application/json']) expect(bytes.includes(secret)).toBe(false);
  });

  it('is sealed under a key of its own: the same answer and nonce in two records look nothing alike', () => {
    const [one, two] = [fileOf(answerOf()), fileOf(answerOf())];
    const sealed = ({ bytes, sealedEnd }: typeof one) => bytes.subarray(answerStart + 4 + 12 + 16, sealedEnd);
    expect(sealed(one).equals(sealed(two))).toBe(false);
    let same = 0;
    for (const [place, byte] of sealed(one).entries()) if (sealed(two)[place] === byte) same += 1;
    expect(same).toBeLessThan(sealed(one).length / 4);
  });

  it('refuses a name too long for its header instead of writing over the answer’s place', () => {
    expect(() => encodeRecord(intentOf({ connection: 'x'.repeat(4_096) }), 'test', ringA, 10)).toThrow(RangeError);
    const longest = encodeRecord(intentOf({ connection: 'ö'.repeat(512) }), 'test', ringA, 10);
    expect(why(longest.file)).toBe('opened');
  });
});

describe('an answer whose write was cut short', () => {
  const whole = fileOf(answerOf({ body: Buffer.alloc(3_000, 'x') }));

  it('is as good as none, wherever the cut fell', () => {
    for (let end = answerStart; end < whole.sealedEnd; end += 512) {
      const cut = Buffer.from(whole.bytes);
      cut.fill(0, end);
      expect(['torn', 'opened'], `cut at ${end}`).toContain(why(cut));
      expect(decodeRecord(cut, 'test', ringA), `cut at ${end}`).toMatchObject({ ok: true, sealed: undefined });
    }
  });

  it('is as good as none where any sector of it is missing', () => {
    for (let sector = answerStart; sector < whole.sealedEnd; sector += 512) {
      const holed = Buffer.from(whole.bytes);
      holed.fill(0, sector, Math.min(sector + 512, whole.sealedEnd));
      expect(why(holed), `sector at ${sector}`).toBe('torn');
    }
  });

  it.each([
    ['some bytes in the middle are zeros', answerStart + 600, answerStart + 700],
    ['its end is, and no disk ends a write within a sector', whole.sealedEnd - 15, whole.sealedEnd],
    ['the end of one sector and the next one are', answerStart + 480, answerStart + 1_024],
  ])('is told from one that was changed: %s', (_what, from, to) => {
    const changed = Buffer.from(whole.bytes);
    changed.fill(0, from, to);
    expect(why(changed)).toBe('answer_damaged');
  });

  it('is told from one whose length was changed, so that it seems to lack what was never written', () => {
    for (let bit = 0; bit < 16; bit++) {
      const changed = Buffer.from(whole.bytes);
      changed.writeUInt32BE(changed.readUInt32BE(answerStart) ^ (1 << bit), answerStart);
      expect(why(changed), `bit ${bit}`).toBe('answer_damaged');
    }
  });
});

describe('a record is not opened', () => {
  it.each([false, true])('with any single byte changed up to the answer’s end (answered: %s)', (answered) => {
    const { bytes, sealedEnd } = fileOf(answered ? answerOf() : undefined);
    const end = answered ? sealedEnd : bytes.length;
    let tried = 0;
    for (let place = 0; place < end; place++) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 0x01;
      expect(why(changed), `byte ${place}`).not.toBe('opened');
      tried += 1;
    }
    expect(tried).toBeGreaterThan(4_000);
  });

  it('cut short anywhere that matters, down to nothing', () => {
    const { bytes, sealedEnd } = fileOf(answerOf());
    for (let length = 0; length < sealedEnd; length += length < 200 ? 1 : 97)
      expect(why(bytes.subarray(0, length)), `${length} bytes`).not.toBe('opened');
    expect(why(bytes.subarray(0, sealedEnd - 1))).toBe('answer_damaged');
    expect(why(bytes.subarray(0, 0))).toBe('not_a_spool_file');
    expect(decodeRecord(bytes.subarray(0, answerStart), 'test', ringA)).toMatchObject({
      why: 'truncated',
      connection: expect.stringMatching(/^customers\//),
    });
  });

  it('as a mere intent when its answer lost its length: the token in it would be spent a second time', () => {
    const { bytes } = fileOf(answerOf());
    bytes.fill(0, answerStart, answerStart + 4);
    expect(why(bytes)).toBe('answer_damaged');
  });

  it('with the answer of another record, even of the same connection', () => {
    const one = fileOf(answerOf());
    const two = fileOf(answerOf(), intentOf({ connection: one.intent.connection }));
    two.bytes.copy(one.bytes, answerStart, answerStart);
    expect(why(one.bytes)).toBe('answer_damaged');
  });

  it('in another environment, though the key is the same', () => {
    const { bytes, intent } = fileOf(answerOf());
    expect(decodeRecord(bytes, 'staging', ringA)).toEqual({
      ok: false,
      why: 'other_environment',
      connection: intent.connection,
    });
  });

  it('without its key, and says which connection waits for it', () => {
    const { bytes, intent } = fileOf(answerOf());
    expect(decodeRecord(bytes, 'test', ringB)).toEqual({
      ok: false,
      why: 'key_missing',
      connection: intent.connection,
    });
    const wrong: Keyring = { sealWith: 'a', keys: new Map([['a', keyB]]) };
    expect(why(bytes, wrong)).toBe('header_damaged');
  });

  it('from a later format, or from another program', () => {
    const { bytes } = fileOf();
    bytes.write('PILOTLIGHT SPOOL 2\n', 0, 'latin1');
    expect(why(bytes)).toBe('unknown_format');
    for (const text of ['', 'x', 'PILOTLIGHT', '{"refresh_token":"x"}', '\0'.repeat(9_000)])
      expect(why(Buffer.from(text))).toBe('not_a_spool_file');
  });

  it('and never throws, whatever the bytes', () => {
    const { bytes } = fileOf(answerOf());
    const mangled = fc.tuple(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 64 }), fc.nat(bytes.length));
    fc.assert(
      fc.property(mangled, ([place, garbage, cut]) => {
        const changed = Buffer.from(bytes);
        Buffer.from(garbage).copy(changed, place);
        expect(typeof why(changed.subarray(0, cut))).toBe('string');
        expect(typeof why(Buffer.from(garbage))).toBe('string');
      }),
      { numRuns: 500 },
    );
  });
});

describe('a ring of keys', () => {
  it('opens with each and seals with one', () => {
    expect(why(fileOf(answerOf()).bytes, ringBoth)).toBe('opened');
    const newer = fileOf(answerOf(), intentOf(), ringBoth);
    expect(decodeRecord(newer.bytes, 'test', ringBoth)).toMatchObject({ ok: true, key: 'b' });
    expect(why(newer.bytes, ringB)).toBe('opened');
    expect(why(newer.bytes, ringA)).toBe('key_missing');
  });
});
