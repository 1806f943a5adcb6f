/** What may be said of an error: a class and a code, never a message, because messages quote their input. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorLabel, hasCode, PilotlightError } from '../../src/runtime/errors.ts';

const canary = 'canary-token-77aa';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('the label of an error', () => {
  test('never quotes what JSON.parse choked on', () => {
    for (const text of [`{"refresh_token": ${canary}}`, `${canary}`, `{"a":"${canary}"`, `"${canary}`]) {
      const error = thrownBy(() => JSON.parse(text));
      expect(errorLabel(error)).toBe('SyntaxError');
    }
    // The very message this guards against: it quotes the text.
    expect(String(thrownBy(() => JSON.parse(`${canary}`)))).toContain('canary');
  });

  test('never quotes a URL, a header or a path', async () => {
    expect(errorLabel(thrownBy(() => new URL(`http://${canary}:x`)))).toBe('TypeError:ERR_INVALID_URL');
    expect(errorLabel(thrownBy(() => new Headers({ authorization: `${canary}\u0100` })))).toBe('TypeError');
    const error = await import('node:fs/promises')
      .then(({ readFile }) => readFile(`/${canary}`))
      .catch((reason: unknown) => reason);
    expect(errorLabel(error)).toBe('Error:ENOENT');
  });

  test('is the code of our own errors, whatever their message and cause say', () => {
    expect(errorLabel(new PilotlightError('store_denied', `no ${canary}`, { cause: new Error(canary) }))).toBe(
      'store_denied',
    );
  });

  test.for([
    canary,
    42,
    null,
    undefined,
    { message: canary, code: canary },
    Symbol(canary),
  ])('of a thrown value tells nothing of it (%#)', (value) => expect(errorLabel(value)).toBe('thrown_value'));

  test('takes a code only where it looks like one', () => {
    const withCode = (code: unknown) => errorLabel(Object.assign(new Error('x'), { code }));
    expect(withCode('ECONNRESET')).toBe('Error:ECONNRESET');
    expect([withCode('two words'), withCode(7), withCode(''), withCode('x'.repeat(49)), withCode({})]).toEqual(
      Array(5).fill('Error'),
    );
  });

  test('is short and plain for any message and any code', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, code) => {
        const label = errorLabel(Object.assign(new TypeError(message), { code }));
        return /^TypeError(?::[A-Za-z0-9_.]{1,48})?$/.test(label);
      }),
    );
  });
});

describe('an error of ours', () => {
  test('is told by its code, one of several or any', () => {
    const error: unknown = new PilotlightError('store_throttled', 'slow down');
    expect([
      hasCode(error),
      hasCode(error, 'store_throttled'),
      hasCode(error, 'usage', 'store_throttled'),
      hasCode(error, 'usage'),
    ]).toEqual([true, true, true, false]);
  });

  test('is not any error that merely has a code', () => {
    expect(hasCode(Object.assign(new Error('x'), { code: 'usage' }), 'usage')).toBe(false);
    expect(hasCode(null)).toBe(false);
  });

  test('keeps its cause and its name', () => {
    const cause = new Error('disk full');
    const error = new PilotlightError('spool_unwritable', 'the spool cannot be written', { cause });
    expect(error).toMatchObject({ name: 'PilotlightError', code: 'spool_unwritable', cause });
    expect(error).toBeInstanceOf(Error);
  });
});
