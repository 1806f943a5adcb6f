/** The dashboards as the chart ships them: ConfigMaps that a sidecar finds, and queries that Prometheus can read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { promtool, render } from './chart-rules.ts';

interface ConfigMap {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly data: Readonly<Record<string, string>>;
}

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-dashboards-'));
let maps: readonly ConfigMap[];

beforeAll(async () => {
  maps = (await render('dashboards', {
    dashboards: {
      enabled: true,
      namespace: 'grafana',
      annotations: { grafana_folder: 'Pilotlight' },
      labels: { team: 'a' },
    },
    prometheusRule: { runbookUrl: 'https://wiki.example/runbook' },
  })) as ConfigMap[];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('each is a ConfigMap with the label the sidecar looks for', () => {
  expect(maps.map(({ kind, metadata, data }) => [kind, metadata.name, metadata.namespace, Object.keys(data)])).toEqual([
    ['ConfigMap', 'pilotlight-dashboard-operations', 'grafana', ['pilotlight-operations.json']],
    ['ConfigMap', 'pilotlight-dashboard-provider', 'grafana', ['pilotlight-provider.json']],
  ]);
  for (const { metadata, data } of maps) {
    expect(metadata.labels).toMatchObject({
      grafana_dashboard: '1',
      team: 'a',
      'app.kubernetes.io/part-of': 'pilotlight',
    });
    expect(metadata.annotations).toEqual({ grafana_folder: 'Pilotlight' });
    const [text = ''] = Object.values(data);
    expect(JSON.parse(text)).toMatchObject({ editable: false });
    expect(text).toContain('https://wiki.example/runbook');
    expect(text).not.toContain('pilotlight.invalid');
  }
});

it('every query is one Prometheus can read', async () => {
  const queries = maps.flatMap(({ data }) => Object.values(data).flatMap((text) => queriesOf(JSON.parse(text))));
  expect(queries.length).toBeGreaterThan(70);
  const rules = queries.map((query, place) => ({
    record: `panel:${place}`,
    expr: query.replaceAll('$__rate_interval', '5m').replaceAll(/\$[a-z]+/g, 'x'),
  }));
  const file = join(folder, 'rules.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
  const { ok, said } = await promtool('check', 'rules', file);
  expect(ok, said).toBe(true);
  expect(said).toContain(`SUCCESS: ${queries.length} rules found`);
});

function queriesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(queriesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'expr' && typeof inner === 'string' ? [inner] : queriesOf(inner),
  );
}
