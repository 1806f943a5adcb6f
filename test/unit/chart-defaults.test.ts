/**
 * Where the chart computes with a setting nobody set (the grace period, the room on a disk), it takes a default of its own:
 * the service's, or pods would be given too little.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDuration } from '../../config/duration.ts';
import { configSchema } from '../../config/schema.ts';

const templates = join(import.meta.dirname, '../../helm/pilotlight/templates');
const text = readdirSync(templates)
  .filter((name) => name.endsWith('.tpl'))
  .map((name) => readFileSync(join(templates, name), 'utf8'))
  .join('\n');

const defaults = configSchema.parse({}) as unknown as Record<string, Record<string, unknown>>;

test('every number the chart takes for what is not set is the service’s default', () => {
  const taken = [...text.matchAll(/dig "(\w+)" "(\w+)" (\d+) \$config/g)].map(([, section = '', key = '', number]) => ({
    key: `${section}.${key}`,
    chart: Number(number),
    service: defaults[section]?.[key],
  }));
  expect(taken.map(({ key }) => key).sort()).toEqual([
    'audit.keep',
    'audit.maxBytes',
    'spool.answerBytes',
    'spool.unwrittenMax',
  ]);
  for (const { key, chart, service } of taken) expect(chart, key).toBe(service);
});

test('every limit of a rotation the chart takes for what is not set is the service’s default', () => {
  const [, pairs = ''] = /\$defaults := dict ((?:"\w+" "\w+" ?)+)/.exec(text) ?? [];
  const taken = Object.fromEntries(
    [...pairs.matchAll(/"(\w+)" "(\w+)"/g)].map(([, key = '', duration = '']) => [key, parseDuration(duration)]),
  );
  expect(Object.keys(taken)).toHaveLength(4);
  expect(defaults.rotation).toMatchObject(taken);
});
