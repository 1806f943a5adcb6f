/**
 * The chart's own tests (helm/pilotlight/tests, run by helm-unittest) are held to be complete: every refusal and every
 * warning in the templates is expected by one of them, and every shape in ci/ is described and different.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const chart = join(import.meta.dirname, '../../helm/pilotlight');
const read = (...path: readonly string[]) => readFileSync(join(chart, ...path), 'utf8');
const named = (folder: string, pattern: RegExp) =>
  readdirSync(join(chart, folder)).filter((name) => pattern.test(name));

/** Texts in templates after a word, each as the pieces between what printf fills in. */
function messages(text: string, after: RegExp): string[][] {
  const found = text.matchAll(new RegExp(`${after.source}\\s+\\(?(?:printf\\s+)?"((?:[^"\\\\]|\\\\.)+)"`, 'g'));
  return [...found].map(([, message = '']) => message.replaceAll('\\"', '"').split(/%[sdq]/));
}

/** What tests expect under a key, without the backslashes of a regular expression. */
function expected(suite: string, key: string): string[] {
  const patterns: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, item] of Object.entries(value)) {
      if (name === key && typeof item === 'string') patterns.push(item.replaceAll('\\', ''));
      else if (!/^not/.test(name)) walk(item);
    }
  };
  walk(parse(read('tests', suite)));
  return patterns;
}

/** Whether a pattern quotes so much of a message that it can be no other: a piece of it, or this many characters in a row. */
const quotedMin = 14;
const quotes = (pattern: string, pieces: readonly string[]) =>
  pieces.some((piece) =>
    Array.from({ length: Math.max(piece.length - quotedMin + 1, 0) }, (_, at) => piece.slice(at, at + quotedMin)).some(
      (part) => pattern.includes(part),
    ),
  );

const untested = (all: readonly string[][], patterns: readonly string[]) =>
  all.filter((pieces) => !patterns.some((pattern) => quotes(pattern, pieces))).map((pieces) => pieces.join('…'));

test('every refusal of the templates is expected by a test', () => {
  const refusals = named('templates', /\.tpl$/).flatMap((name) =>
    messages(read('templates', name), /(?:\bfail|"pilotlight\.problem")/),
  );
  const patterns = named('tests', /_test\.yaml$/).flatMap((suite) => expected(suite, 'errorPattern'));
  expect(refusals.length).toBeGreaterThan(40);
  expect(untested(refusals, patterns)).toEqual([]);
  expect(untested([['no template says this']], patterns)).toHaveLength(1);
});

test('every warning of the notes is expected by a test', () => {
  const warnings = messages(read('templates/_notes.tpl'), /append \$out/);
  const patterns = expected('notes_test.yaml', 'pattern');
  expect(warnings.length).toBeGreaterThan(12);
  expect(untested(warnings, patterns)).toEqual([]);
});

test('every shape says what it is for, and names no secret', () => {
  const shapes = named('ci', /-values\.yaml$/);
  expect(shapes.length).toBeGreaterThan(10);
  for (const shape of shapes) {
    const text = read('ci', shape);
    expect(text, shape).toMatch(/^# [A-Z].*\.\n/);
    expect(text, shape).not.toMatch(/:\/\/[^/\s"]*:[^/\s"]*@/);
    expect(parse(text).keys.existingSecret, shape).toBe('pilotlight-keys');
  }
  const whole = new Set(shapes.map((shape) => JSON.stringify(parse(read('ci', shape)))));
  expect(whole.size).toBe(shapes.length);
});

test('the test of everything switches every switch on', () => {
  const values: Record<string, unknown> = parse(read('values.yaml'));
  const everything: Record<string, unknown> = parse(read('ci/everything-on-values.yaml'));
  const off = Object.entries(values).flatMap(([key, value]) => {
    const { enabled } = (value ?? {}) as { enabled?: boolean };
    return enabled === false && (everything[key] as { enabled?: boolean } | undefined)?.enabled !== true ? [key] : [];
  });
  // A ServiceMonitor beside a PodMonitor is refused; a Service is made with the pages anyway.
  expect(off.sort()).toEqual(['service', 'serviceMonitor']);
});
