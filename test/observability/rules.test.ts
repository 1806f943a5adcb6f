/** Every alert, judged by promtool on the rules the chart makes: it fires, it does not just below, it ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { promtool, type Rule, type RuleGroup, renderRules } from './chart-rules.ts';
import { promtoolTests, readCases } from './rule-cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-rules-'));
const rulesFile = join(folder, 'rules.json');
let groups: readonly RuleGroup[];
let alerts: readonly Rule[];

beforeAll(async () => {
  groups = await renderRules();
  alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
  writeFileSync(rulesFile, JSON.stringify({ groups }));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const find = (name: string) => alerts.find(({ alert }) => alert === name);

describe('the rules of the chart', () => {
  it('are rules in the eyes of promtool', async () => {
    const { ok, said } = await promtool('check', 'rules', rulesFile);
    expect(said).toMatch(/SUCCESS: \d{2} rules found/);
    expect(ok, said).toBe(true);
  });

  it('are each tested, but for the watchdog, which always fires', () => {
    const tested = [...new Set(readCases().flatMap(({ cases }) => cases.map(({ alert }) => alert)))];
    expect(tested.toSorted()).toEqual(
      alerts.flatMap(({ alert = '' }) => (alert === 'PilotlightWatchdog' ? [] : [alert])).toSorted(),
    );
    expect(tested.length).toBeGreaterThan(30);
  });

  it.each(readCases().map((file) => [file.name, file] as const))(
    '%s: each fires, does not just below, and ends; and no other does',
    async (name, file) => {
      const path = join(folder, name);
      writeFileSync(
        path,
        promtoolTests(file, rulesFile, (alert) => find(alert)?.labels?.severity ?? ''),
      );
      const { ok, said } = await promtool('test', 'rules', path);
      expect(ok, said).toBe(true);
    },
    300_000,
  );

  it('a test that expects the wrong thing is seen to fail', async () => {
    const file = readCases().find(({ name }) => name === 'refreshing.yaml');
    const path = join(folder, 'wrong.json');
    const cases = file?.cases.map((one) => ({ ...one, fires: one.resolved })) ?? [];
    writeFileSync(
      path,
      promtoolTests({ name: 'wrong', evaluateEvery: '1m', cases }, rulesFile, () => 'critical'),
    );
    expect((await promtool('test', 'rules', path)).ok).toBe(false);
  }, 300_000);
});

describe('two installations in one namespace, each with a selector of its own', () => {
  const input = (job: string, outcome: string, values: string) => ({
    series: `pilotlight_refresh_attempts_total{namespace="pilotlight",job="${job}",instance="${job}:8081",provider="p",outcome="${outcome}"}`,
    values,
  });
  const ratio = 'provider:pilotlight_refresh_failures:ratio_rate1h';
  const sample = (name: string, labels: Readonly<Record<string, string>>, value: number) => ({
    labels: `${name}{${Object.entries(labels)
      .map(([label, is]) => `${label}="${is}"`)
      .join(',')}}`,
    value,
  });

  it('record series of their own, and the alert names the one that fails', async () => {
    const files = await Promise.all(
      ['docu', 'adobe'].map(async (job) => {
        const file = join(folder, `${job}.json`);
        writeFileSync(file, JSON.stringify({ groups: await renderRules({ selector: `job="${job}"` }, job) }));
        return file;
      }),
    );
    const own = (installation: string) => ({ installation, namespace: 'pilotlight', provider: 'p' });
    const burn = { alertname: 'PilotlightRefreshErrorBudgetBurnFast', alertstate: 'firing', severity: 'warning' };
    const test = {
      interval: '1m',
      input_series: [
        input('docu', 'rotated', '0+2x120'),
        input('docu', 'unknown', '0x120'),
        input('adobe', 'rotated', '0x120'),
        input('adobe', 'unknown', '0+2x120'),
      ],
      promql_expr_test: [
        {
          expr: ratio,
          eval_time: '100m',
          exp_samples: [sample(ratio, own('docu-pilotlight'), 0), sample(ratio, own('adobe-pilotlight'), 1)],
        },
        {
          expr: `ALERTS{alertname="${burn.alertname}"}`,
          eval_time: '100m',
          exp_samples: [sample('ALERTS', { ...burn, ...own('adobe-pilotlight') }, 1)],
        },
        // Not one identity for two.
        {
          expr: 'count(ALERTS{alertname="PilotlightWatchdog"})',
          eval_time: '100m',
          exp_samples: [{ labels: '{}', value: 2 }],
        },
      ],
    };
    const path = join(folder, 'two.json');
    writeFileSync(path, JSON.stringify({ rule_files: files, evaluation_interval: '1m', tests: [test] }));
    const { ok, said } = await promtool('test', 'rules', path);
    expect(ok, said).toBe(true);
  }, 300_000);

  it('without a selector, no label is added', () => {
    const labels = groups.flatMap(({ rules }) => rules.map((rule) => Object.keys(rule.labels ?? {}).toSorted()));
    expect([...new Set(labels.map(String))].toSorted()).toEqual(['namespace', 'namespace,severity']);
  });
});

describe('what values change', () => {
  it('threshold, for, severity, labels and links, also to nothing', async () => {
    const changed = await renderRules({
      runbookUrl: 'https://wiki.example/runbook',
      dashboardUrl: 'https://grafana.example/',
      selector: 'job="pilot"',
      rules: {
        PilotlightSchedulerStale: {
          threshold: 0,
          for: '0s',
          keepFiringFor: '5m',
          severity: 'warning',
          labels: { team: 'a' },
        },
        PilotlightStoreDenied: { window: '3m' },
        PilotlightSpoolStuck: { threshold: 90.5 },
        PilotlightSpoolNotEmpty: { threshold: 0 },
        PilotlightRefreshErrorBudgetBurnFast: { minimum: 7 },
        PilotlightRedisDown: { enabled: false },
      },
    });
    const rules = changed.flatMap((group) => group.rules);
    const one = (name: string) => rules.find(({ alert }) => alert === name);
    expect(one('PilotlightSchedulerStale')).toMatchObject({
      for: '0s',
      keep_firing_for: '5m',
      labels: { severity: 'warning', namespace: 'pilotlight', installation: 'pilotlight', team: 'a' },
      annotations: {
        runbook_url: 'https://wiki.example/runbook#pilotlightschedulerstale',
        dashboard_url: 'https://grafana.example/d/pilotlight-operations?var-namespace=pilotlight',
      },
    });
    expect(one('PilotlightSchedulerStale')?.expr).toContain('{job="pilot"}) > 0\n');
    expect(one('PilotlightStoreDenied')?.expr).toContain('[3m]');
    expect(one('PilotlightSpoolStuck')?.expr).toMatch(/ > 90\.5\nor vector\(90\.5\)\n.*\[91s:\].*\n.* offset 91s\)/);
    expect(one('PilotlightSpoolNotEmpty')?.expr).toMatch(/ > 0\nor vector\(0\)\n.*\[1s:\].*\n.* offset 1s\)/);
    expect(one('PilotlightRefreshErrorBudgetBurnFast')?.expr).toMatch(
      /increase1h\{namespace="pilotlight",installation="pilotlight"\} >= 7$/,
    );
    expect(one('PilotlightRedisDown')).toBeUndefined();
    expect(JSON.stringify(rules)).not.toMatch(/\$(?:selector|recorded|threshold|held|window|minimum)\b/);
    expect(rules).toHaveLength(groups.flatMap((group) => group.rules).length - 1);
  });

  it.each([
    [{ PilotlightNoSuch: { enabled: false } }, 'PilotlightNoSuch: there is no such alert; known are PilotlightAlert'],
    [{ PilotlightWatchdog: { threshold: 1 } }, 'PilotlightWatchdog.threshold: this alert has no threshold'],
    [{ PilotlightRedisDown: { window: '1m' } }, 'PilotlightRedisDown.window: this alert has no window'],
  ])('%j is refused', async (rules, says) => {
    await expect(renderRules({ rules })).rejects.toThrow(says);
  });
});
