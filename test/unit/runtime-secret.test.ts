/** No way of printing a Secret may show it: each way a log line, an error or a debugger takes is tried. */
import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';

const canary = 'canary-5f1d0c-token';
const secret = new Secret(canary);
const holder = {
  name: 'docusign-main',
  deep: { list: [secret], map: new Map([[secret, secret]]), set: new Set([secret]) },
};

function printedByConsole(...values: unknown[]): string {
  const stream = new PassThrough();
  const target = new Console({ stdout: stream, stderr: stream });
  target.log(...values);
  target.dir(values, { depth: null, showHidden: true });
  target.table(values);
  target.error('%s %o %O %j', ...values, ...values, ...values, ...values);
  return String(stream.read());
}

const ways: Record<string, (value: unknown) => string> = {
  String: (value) => String(value),
  template: (value) => `${value}`,
  concatenation: (value) => `token ${value}`,
  'JSON.stringify': (value) => JSON.stringify(value) ?? '',
  'JSON.stringify, as a key and a value': (value) => JSON.stringify({ [String(value)]: value }),
  'util.inspect': (value) => inspect(value),
  'util.inspect with everything shown': (value) =>
    inspect(value, { depth: null, showHidden: true, showProxy: true, getters: true, customInspect: true }),
  'util.inspect without custom printing': (value) =>
    inspect(value, { depth: null, showHidden: true, customInspect: false }),
  'util.format %s': (value) => format('%s', value),
  'util.format %o': (value) => format('%o', value),
  'util.format %O': (value) => format('%O', value),
  'util.format %j': (value) => format('%j', value),
  'util.format %d': (value) => format('%d', value),
  'the console': (value) => printedByConsole(value),
  'an error message': (value) => inspect(new Error(`refused: ${value}`)),
  'an error cause': (value) => inspect(new PilotlightError('refused', 'no', { cause: value }), { depth: null }),
  'an error with it as a property': (value) => inspect(Object.assign(new Error('no'), { value }), { depth: null }),
  'Object.entries': (value) => inspect(Object.entries(value as object), { depth: null }),
  'a spread copy': (value) =>
    JSON.stringify({ ...(value as object) }) + inspect({ ...(value as object) }, { depth: null }),
  structuredClone: (value) =>
    inspect(structuredClone(Object.fromEntries(Object.entries(value as object).filter(([key]) => key === 'name'))), {
      depth: null,
    }),
  'own property names': (value) =>
    Reflect.ownKeys(value as object)
      .map(String)
      .join(),
  'array join': (value) => [value].join(),
  'localised text': (value) => (value as object).toLocaleString(),
};

describe.for(Object.entries(ways))('printed by %s', ([, print]) => {
  test('a secret is not shown', () => {
    const printed = print(secret);
    expect(printed).not.toContain(canary);
    expect(printed).not.toContain(canary.slice(0, 6));
  });

  test('a secret deep inside something else is not shown', () => expect(print(holder)).not.toContain(canary));
});

describe('a secret', () => {
  test('is said to be redacted, so that a reader knows something was there', () => {
    expect([String(secret), JSON.stringify({ secret }), inspect(secret), format('%s', secret)]).toEqual([
      '[redacted]',
      '{"secret":"[redacted]"}',
      '[redacted]',
      '[redacted]',
    ]);
  });

  test('gives its text to whoever asks for it by name', () => expect(secret.reveal()).toBe(canary));

  test('is not carried by a copy through the structured clone algorithm', () => {
    expect(serialize(secret).includes(canary)).toBe(false);
    expect(inspect(structuredClone(secret), { showHidden: true })).not.toContain(canary);
  });

  test('is equal to one with the same text and to no other', () => {
    expect(secret.equals(new Secret(canary))).toBe(true);
    expect(secret.equals(new Secret(`${canary} `))).toBe(false);
  });
});
