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
        PilotlightRefreshErrorBudgetBurnFast: { minimum: 7 },
        PilotlightRedisDown: { enabled: false },
      },
    });
    const rules = changed.flatMap((group) => group.rules);
    const one = (name: string) => rules.find(({ alert }) => alert === name);
    expect(one('PilotlightSchedulerStale')).toMatchObject({
      for: '0s',
      keep_firing_for: '5m',
      labels: { severity: 'warning', namespace: 'pilotlight', team: 'a' },
      annotations: {
        runbook_url: 'https://wiki.example/runbook#pilotlightschedulerstale',
        dashboard_url: 'https://grafana.example/d/pilotlight-operations?var-namespace=pilotlight',
      },
    });
    expect(one('PilotlightSchedulerStale')?.expr).toContain('{job="pilot"}) > 0\n');
    expect(one('PilotlightStoreDenied')?.expr).toContain('[3m]');
    expect(one('PilotlightRefreshErrorBudgetBurnFast')?.expr).toMatch(/increase1h\{namespace="pilotlight"\} >= 7$/);
    expect(one('PilotlightRedisDown')).toBeUndefined();
    expect(JSON.stringify(rules)).not.toMatch(/\$(?:selector|recorded|threshold|window|minimum)\b/);
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
