/** How an index entry is packed into a few bytes, and unpacked again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionStates, type IndexEntry, reasons } from '../../src/connection/entry.ts';
import { entryCodec, fromDigits, toDigits } from '../../src/queue/entry-codec.ts';
import { groupName, parseGroupName } from '../../src/queue/groups.ts';
import { checkedPrefix } from '../../src/queue/keys.ts';
import { isUnavailable, redisFailure, redisLabel } from '../../src/queue/redis-errors.ts';
import { hasCode, PilotlightError } from '../../src/runtime/errors.ts';

const codec = entryCodec();
const at = { provider: 'docusign', environment: 'production', client: 'docusign-main', host: 'account.docusign.com' };
const instant = fc.integer({ min: -(8.64e15 - 1), max: 8.64e15 - 1 });
const anyEntry: fc.Arbitrary<IndexEntry> = fc.record({
  id: fc.string({ minLength: 1 }),
  at: fc.constant(at),
  state: fc.constantFrom(...connectionStates),
  reason: fc.constantFrom(...reasons),
  since: instant,
  seen: fc.string(),
  fingerprint: fc.oneof(fc.constant(''), fc.stringMatching(/^[0-9a-f]{12}$/), fc.string()),
  nextAt: fc.option(instant),
  deadlineAt: fc.option(instant),
  clock: fc.constantFrom('idle', 'absolute', null),
  estimated: fc.boolean(),
  extendedAt: fc.option(instant),
  failures: fc.nat(),
});
const write = (entry: IndexEntry) => `17,${codec.encode(entry).tail}`;

test('an entry comes back as it was written, to the millisecond', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const read = codec.decode(entry.id, write(entry), (group) => (group === '7' ? at : undefined));
      const wellFormed = (text: string) => text.toWellFormed();
      expect(read).toEqual({ ...entry, seen: wellFormed(entry.seen), fingerprint: wellFormed(entry.fingerprint) });
    }),
  );
});

test('an ordinary entry takes at most 64 bytes, so that Redis keeps it compact', () => {
  const value = codec.encode({
    id: 'x',
    at,
    state: 'reauth_required',
    reason: 'refresh_token_missing',
    since: Date.UTC(2060, 0),
    seen: 'abcdefgh',
    fingerprint: '0123456789ab',
    nextAt: Date.UTC(2060, 0),
    deadlineAt: Date.UTC(2060, 0),
    clock: 'absolute',
    estimated: true,
    extendedAt: Date.UTC(2060, 0),
    failures: 99,
  }).tail;
  expect(`1999,${value}`.length).toBeLessThanOrEqual(64);
});

test('no state and no reason shares its code with another', () => {
  expect(() => entryCodec()).not.toThrow();
  const codes = reasons.map((reason) =>
    codec.encode({ ...(fc.sample(anyEntry, 1)[0] as IndexEntry), state: 'active', reason }).tail.slice(0, 5),
  );
  expect(new Set(codes).size).toBe(reasons.length);
});

test('what another version wrote, or a word this one does not know, is unknown and not an error', () => {
  const good = write(fc.sample(anyEntry, 1)[0] as IndexEntry);
  const lookup = () => at;
  expect(codec.decode('x', good.replace(/^1/, '2'), lookup)).toBeUndefined();
  expect(codec.decode('x', good.replace(/^17,...../, '17,?????'), lookup)).toBeUndefined();
  expect(codec.decode('x', '', lookup)).toBeUndefined();
  expect(codec.decode('x', 'rubbish', lookup)).toBeUndefined();
  expect(codec.decode('x', good, () => undefined)).toBeUndefined();
});

test('an instant that is no number means now, and one beyond all calendars is cut', () => {
  const base = fc.sample(anyEntry, 1)[0] as IndexEntry;
  expect(codec.encode({ ...base, nextAt: Number.NaN }).nextAt).toBe('0');
  expect(codec.encode({ ...base, nextAt: Number.POSITIVE_INFINITY }).nextAt).toBe('8640000000000000');
  expect(codec.encode({ ...base, nextAt: 1.5 }).nextAt).toBe('1');
  expect(codec.encode({ ...base, nextAt: null }).nextAt).toBe('');
});

test('a whole number comes back from its digits', () => {
  fc.assert(
    fc.property(instant, (value) => {
      expect(fromDigits(toDigits(value))).toBe(value);
    }),
  );
});

test('a group name survives any text in its parts', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (client, host) => {
      const group = { provider: 'p', environment: 'e', client, host };
      expect(parseGroupName(groupName(group))).toEqual(group);
    }),
  );
  for (const text of ['', '{', '[]', '["a","b","c"]', '[1,2,3,4]']) expect(parseGroupName(text)).toBeUndefined();
});

test('a prefix without one hash tag is refused', () => {
  expect(checkedPrefix('{pilotlight}')).toBe('{pilotlight}');
  expect(checkedPrefix('team-a:{pilotlight}')).toBe('team-a:{pilotlight}');
  for (const prefix of ['pilotlight', '', '{}', '{a}{b}', '{a b}', 'a}b{']) {
    expect(() => checkedPrefix(prefix)).toThrow(PilotlightError);
  }
});

function replyError(message: string): Error {
  const error = Object.assign(new Error(message), { command: { name: 'auth', args: ['canary-password'] } });
  error.name = 'ReplyError';
  return error;
}

test('answers that mean "not now" become redis_unavailable, our own mistakes do not', () => {
  for (const word of [
    'READONLY x',
    'LOADING x',
    'OOM x',
    'WRONGPASS x',
    'MOVED 1 x',
    'ERR max number of clients reached',
  ]) {
    expect(hasCode(redisFailure(replyError(word)), 'redis_unavailable'), word).toBe(true);
  }
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  for (const error of [refused, new Error('Connection is closed.'), new Error('Command timed out')]) {
    expect(hasCode(redisFailure(error), 'redis_unavailable'), error.message).toBe(true);
  }
  for (const error of [
    replyError('ERR user_script:7: boom'),
    new TypeError('x'),
    new Error('Missing lock for job 3'),
  ]) {
    expect(isUnavailable(error), error.message).toBe(false);
  }
  expect(redisLabel(new Error('Missing lock for job 3. moveToFinished'))).toBe('job_lost');
});

test('no error that is handed on carries the command, whose arguments may be a password', () => {
  for (const word of ['WRONGPASS invalid', 'ERR syntax']) {
    const failure = redisFailure(replyError(word)) as Error & { command?: unknown };
    expect(failure.command).toBeUndefined();
    expect(`${failure.message}${failure.stack}${JSON.stringify(failure)}`).not.toContain('canary-password');
    expect(failure.cause).toBeUndefined();
  }
});
