/**
 * The runbook knows every state, reason and outcome the code can name, and names none that it cannot; every command it
 * tells somebody to type at night exists as it is typed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { incidentKinds } from '../../src/alerts/kinds.ts';
import { connectionStates, reasons } from '../../src/connection/entry.ts';
import { outcomes } from '../../src/rotation/outcome.ts';
import { describeMetrics } from '../../src/telemetry/metric-list.ts';
import { runbookParts } from '../support/runbook.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');

/** The text under a heading of the second level. */
function part(heading: string): string {
  return text.split(/^## /m).find((chapter) => chapter.startsWith(`${heading}\n`)) ?? '';
}

/** First cells of a part's tables that are one word in code. */
function named(chapter: string): string[] {
  return [...chapter.matchAll(/^\| `(\w+)` \|/gm)].map(([, word = '']) => word);
}

test('every state has a heading of its own, and something under it', () => {
  const sections = part('States').split(/^### /m).slice(1);
  const headings = sections.map((section) => /^`(\w+)`\n/.exec(section)?.[1]);
  expect(headings.toSorted()).toEqual([...connectionStates].toSorted());
  for (const section of sections)
    expect(section.split('\n\n').slice(1).join(' ').trim().length, section).toBeGreaterThan(40);
});

test('every kind of incident has a heading that its messages lead to: meaning, what to look at, what to do, whom to wake', () => {
  const sections = text.split(/^### /m).slice(1);
  const under = new Map(sections.map((section) => [/^`(\w+)`\n/.exec(section)?.[1], section]));
  for (const kind of incidentKinds) for (const word of runbookParts) expect(under.get(kind), kind).toContain(word);
  const others = named(part('Incidents').replaceAll(/^### (`\w+`)$/gm, '| $1 |'));
  expect(others.filter((kind) => !(incidentKinds as readonly string[]).includes(kind))).toEqual([]);
});

test('every reason has one row, which says what it means, what to do and whom to wake', () => {
  expect(named(part('Reasons')).toSorted()).toEqual([...reasons].toSorted());
  for (const row of part('Reasons').match(/^\| `.*$/gm) ?? [])
    expect(
      row
        .split('|')
        .slice(1, -1)
        .filter((cell) => cell.trim() !== ''),
      row,
    ).toHaveLength(4);
});

test('every outcome has one row', () => {
  expect(named(part('Outcomes'))).toEqual([...outcomes]);
});

test('every metric it names is exported', () => {
  const exported = describeMetrics().map(({ name }) => name);
  const used = [...text.matchAll(/\bpilotlight_[a-z_]+\b/g)].map(([name]) => name);
  expect(used.length).toBeGreaterThan(2);
  expect(used.filter((name) => !exported.includes(name))).toEqual([]);
});
