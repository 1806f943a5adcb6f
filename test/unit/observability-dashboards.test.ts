/** The dashboards keep the rules of Grafana's linter and some of ours: every panel says what it shows, in which unit. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../helm/pilotlight/files/dashboards');
const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
const runbookUrl = 'https://pilotlight.invalid/runbook';

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly datasource: { readonly uid: string };
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
  readonly links?: readonly { readonly url: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly editable: boolean;
  readonly schemaVersion: number;
  readonly refresh: string;
  readonly timezone: string;
  readonly panels: readonly Panel[];
  readonly links: readonly { readonly url: string }[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly refresh: number;
      readonly query: unknown;
    }[];
  };
}

const dashboards = readdirSync(folder).map((name): [string, Dashboard] => [
  name,
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as Dashboard,
]);

/** Anchors of the runbook, as a renderer of Markdown makes them. */
const anchors = [...runbook.matchAll(/^#{2,3} (.+)$/gm)].map(([, heading = '']) =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-'),
);

it('there are two, under names that never change', () => {
  expect(dashboards.map(([name, { uid, title }]) => [name, uid, title])).toEqual([
    ['operations.json', 'pilotlight-operations', 'Pilotlight / Operations'],
    ['provider.json', 'pilotlight-provider', 'Pilotlight / Provider'],
  ]);
});

describe.each(dashboards)('%s', (_, dashboard) => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  it('is of the portable form, cannot be edited in place and keeps UTC', () => {
    expect(dashboard.editable).toBe(false);
    expect(dashboard.schemaVersion).toBe(39);
    expect(dashboard.timezone).toBe('utc');
    expect(dashboard.refresh).toMatch(/^\d+s$/);
    expect(dashboard).not.toHaveProperty('id');
    expect(dashboard).not.toHaveProperty('__inputs');
  });

  it('asks which data source, namespace, job and instance, anew as time goes on', () => {
    const variables = dashboard.templating.list;
    expect(variables.slice(0, 4).map(({ name }) => name)).toEqual(['datasource', 'namespace', 'job', 'instance']);
    expect(variables[0]).toMatchObject({ type: 'datasource', query: 'prometheus' });
    for (const { type, refresh } of variables.slice(1)) expect([type, refresh]).toEqual(['query', 2]);
  });

  it('leads to the runbook, to the other dashboard, and marks deploys', () => {
    const others = dashboards.map(([, { uid }]) => uid).filter((uid) => uid !== dashboard.uid);
    expect(dashboard.links.map(({ url }) => url)).toEqual([runbookUrl, ...others.map((uid) => `/d/${uid}`)]);
    expect(dashboard.annotations.list.find(({ name }) => name === 'Deploys')?.expr).toContain('pilotlight_build_info');
  });

  it('every panel has a title of its own, a description and a unit, and lies beside the others', () => {
    expect(panels.length).toBeGreaterThan(15);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title, description = '', fieldConfig } of panels) {
      expect(title.length, title).toBeGreaterThan(2);
      expect(description, title).toMatch(/^.{15,300}\.$/);
      expect(fieldConfig?.defaults.unit, title).toMatch(/^[a-z]+$/);
    }
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_one, place) => `${x + (place % w)},${y + Math.floor(place / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(cells.every((cell) => Number(cell.split(',')[0]) < 24)).toBe(true);
  });

  it('every query asks the chosen source for the chosen processes, and rates over what was scraped', () => {
    for (const { title, targets = [], datasource } of panels) {
      expect(datasource?.uid, title).toBe(`\${datasource}`);
      expect(targets.length, title).toBeGreaterThan(0);
      for (const { expr, datasource: own } of targets) {
        expect(own.uid, title).toBe(`\${datasource}`);
        for (const [selector] of expr.matchAll(/\{[^}]*\}/g))
          expect(selector, title).toContain('namespace=~"$namespace"');
        for (const [, range] of expr.matchAll(/\[([^\]]+)\]/g)) expect(range, title).toBe('$__rate_interval');
        if (/\b(?:rate|increase)\(/.test(expr)) expect(expr, title).toContain('[$__rate_interval]');
        // A counter that is not rated shows when a process began, and nothing else.
        if (/_total\{/.test(expr)) expect(expr, title).toMatch(/\b(?:rate|increase)\(/);
      }
    }
  });

  it('every link of a panel leads to a heading that is there', () => {
    const urls = panels.flatMap(({ links = [] }) => links.map(({ url }) => url));
    expect(urls.length).toBeGreaterThan(5);
    for (const url of urls) expect(anchors).toContain(url.replace(`${runbookUrl}#`, ''));
  });
});
