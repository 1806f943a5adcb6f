/**
 * Rules and dashboards against the service: what they name is exported, what is exported is documented, and every alert leads
 * to a heading of the runbook. Helm and promtool, where they are, say more in test/observability.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeMetrics } from '../../src/telemetry/metric-list.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { runbookParts } from '../support/runbook.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Alert {
  readonly alert: string;
  readonly severity: string;
  readonly expr: string;
  readonly summary: string;
  readonly description: string;
  readonly [setting: string]: unknown;
}
interface Group {
  readonly name: string;
  readonly records?: readonly { readonly record: string; readonly expr: string }[];
  readonly alerts?: readonly Alert[];
}

const { groups } = parse(read('helm/pilotlight/files/rules/alerts.yaml')) as { groups: Group[] };
const alerts = groups.flatMap((group) => group.alerts ?? []);
const records = groups.flatMap((group) => group.records ?? []);
const dashboards = readdirSync(join(root, 'helm/pilotlight/files/dashboards')).map((name) =>
  read(`helm/pilotlight/files/dashboards/${name}`),
);

/** Every name a scrape may show, with what a histogram adds, and ours and the runtime's. */
async function exported(): Promise<ReadonlySet<string>> {
  const metrics = createMetrics({ providers: ['a'], queues: ['a'], build: { version: '1', commit: 'a', node: '24' } });
  const { body } = await metrics.render();
  const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
    ),
  );
}

const named = (text: string) =>
  [...text.matchAll(/(?<![\w:])(?:pilotlight|nodejs|process)_[a-z0-9_]+(?!:)\b/g)].map(([name]) => name);

describe('every metric', () => {
  it('that a rule or a panel names is exported', async () => {
    const known = await exported();
    const used = [
      ...[...alerts, ...records].flatMap(({ expr }) => named(expr)),
      ...dashboards.flatMap((text) => expressionsOf(JSON.parse(text)).flatMap(named)),
    ];
    expect(new Set(used).size).toBeGreaterThan(40);
    expect([...new Set(used)].filter((name) => !known.has(name))).toEqual([]);
  });

  it('that is exported is documented, and is on a panel or in a rule', () => {
    const [documentation, watched] = [
      read('docs/metrics.md'),
      dashboards.join('\n') + JSON.stringify([alerts, records]),
    ];
    const names = describeMetrics().map(({ name }) => name);
    expect(names.filter((name) => !documentation.includes(`\`${name}\``))).toEqual([]);
    expect(names.filter((name) => !watched.includes(name))).toEqual([]);
  });

  it('that is recorded is used, and what is used is recorded', () => {
    const used = [...alerts.map(({ expr }) => expr), ...dashboards.flatMap((text) => expressionsOf(JSON.parse(text)))];
    const found = new Set(used.flatMap((text) => text.match(/\bprovider:pilotlight_[a-z0-9_:]+/g) ?? []));
    expect([...found].toSorted()).toEqual(records.map(({ record }) => record).toSorted());
  });

  it('has its labels where a rule or a panel asks for them', () => {
    const labelsOf = new Map(describeMetrics().map(({ name, labels }) => [name, labels]));
    const given = ['namespace', 'job', 'instance', 'le'];
    const texts = [
      ...[...alerts, ...records].map(({ expr }) => expr),
      ...dashboards.flatMap((text) => expressionsOf(JSON.parse(text))),
    ];
    const asked = texts.flatMap((text) =>
      [...text.matchAll(/\b(pilotlight_[a-z_]+?)(?:_bucket|_sum|_count)?\{([^}]*)\}/g)].flatMap(
        ([, metric = '', matchers = '']) =>
          [...matchers.matchAll(/([a-z_]+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => `${metric} ${label}`),
      ),
    );
    expect(asked.length).toBeGreaterThan(60);
    const wrong = asked.filter((pair) => {
      const [metric = '', label = ''] = pair.split(' ');
      return !given.includes(label) && !(labelsOf.get(metric) ?? []).includes(label);
    });
    expect(wrong).toEqual([]);
  });
});

function expressionsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(expressionsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    ['expr', 'query', 'definition'].includes(key) && typeof inner === 'string' ? [inner] : expressionsOf(inner),
  );
}

describe('every alert', () => {
  it('has the form the others have', () => {
    expect(alerts.length).toBeGreaterThan(30);
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    const settings = [
      'alert',
      'severity',
      'for',
      'keepFiringFor',
      'threshold',
      'window',
      'minimum',
      'expr',
      'summary',
      'description',
    ];
    for (const alert of alerts) {
      expect(alert.alert).toMatch(/^Pilotlight[A-Z][A-Za-z]+$/);
      expect(['critical', 'warning', 'info', 'none']).toContain(alert.severity);
      expect(
        Object.keys(alert).filter((key) => !settings.includes(key)),
        alert.alert,
      ).toEqual([]);
      expect(alert.summary.length, alert.alert).toBeLessThan(100);
      expect(`${alert.summary} ${alert.description}`, alert.alert).not.toMatch(
        /\$(?:threshold|held|window|minimum|selector)/,
      );
      // What can be tuned is used, and what is used can be tuned.
      for (const name of ['threshold', 'window', 'minimum'])
        expect(alert.expr.includes(`$${name}`), `${alert.alert} ${name}`).toBe(name in alert);
    }
  });

  it('is of this installation only: every series it asks for is selected', () => {
    for (const { alert, expr } of alerts)
      for (const [metric, braces] of expr.matchAll(
        /(?<![\w:])(?:pilotlight|nodejs|process)_[a-z0-9_]+\b(?!:)(\{\$selector)?/g,
      ))
        expect(braces, `${alert}: ${metric}`).toBe('{$selector');
  });

  it('has a heading in the runbook that says what it means and what to do, and no heading is of no alert', () => {
    const [, chapter = ''] = /^## Alerts of Prometheus\n([\s\S]*?)(?=^## )/m.exec(read('docs/runbook.md')) ?? [];
    const sections = chapter.split(/^### /m).slice(1);
    expect(sections.map((section) => section.split('\n')[0]).toSorted()).toEqual(
      alerts.map(({ alert }) => alert).toSorted(),
    );
    for (const section of sections) {
      for (const word of runbookParts) expect(section).toContain(word);
      expect(section.length, section).toBeGreaterThan(200);
    }
  });
});
