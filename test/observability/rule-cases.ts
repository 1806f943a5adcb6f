/**
 * Cases of `rules/*.yaml`, and promtool's unit tests made of them. A case says what differs from an installation that is
 * well; at each instant it names, exactly the alerts it names fire (the watchdog apart), so that an alert which fires along
 * with another is seen.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What differs from an installation that is well. Names of metrics are without their prefix. */
interface Scene {
  /** Between two instants a series is not exported; `all` for every one. */
  readonly gone?: Readonly<Record<string, readonly [string, string]>>;
  /** Between two instants an instant stays as it was. */
  readonly stuck?: Readonly<Record<string, readonly [string, string]>>;
  /** An instant lies this far back at any time. */
  readonly late?: Readonly<Record<string, string>>;
  /** Further series, or others in place of those of a metric, in promtool's words. */
  readonly series?: Readonly<Record<string, string>>;
}

export interface RuleCase extends Scene {
  readonly alert: string;
  /** Time between two samples. Default 1m. */
  readonly interval?: string;
  /** Labels of the alert beside severity and namespace. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Nothing fires yet. */
  readonly quiet?: readonly string[];
  readonly fires: readonly string[];
  /** Other alerts that rightly fire at the same time. */
  readonly with?: readonly string[];
  /** Nothing fires any more. */
  readonly resolved: readonly string[];
  /** Just below the threshold nothing ever fires. */
  readonly below: Scene & { readonly quiet: readonly string[] };
}

export interface CaseFile {
  readonly name: string;
  readonly evaluateEvery: string;
  readonly cases: readonly RuleCase[];
}

const folder = join(import.meta.dirname, 'rules');

export function readCases(): readonly CaseFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ name, evaluateEvery: '1m', ...parse(readFileSync(join(folder, name), 'utf8')) }));
}

const job = 'namespace="pilotlight",job="pilotlight"';
const instance = 'instance="a:8081"';

/** What an installation that is well exports; a function of the instant in seconds. */
const well: readonly [metric: string, labels: string, value: (at: number) => number][] = [
  ['build_info', 'version="1",commit="a"', () => 1],
  ['role', 'role="scheduler"', () => 1],
  ['role', 'role="worker"', () => 1],
  ['redis_up', '', () => 1],
  ['scheduler_last_success_timestamp_seconds', '', (now) => now],
  ['inventory_last_complete_timestamp_seconds', '', (now) => now],
  ['connections_scan_timestamp_seconds', '', (now) => now],
  ['alerts_looked_timestamp_seconds', '', (now) => now],
  ['connections', 'provider="p",state="active"', () => 100],
  ['connections', 'provider="p",state="quarantined"', () => 0],
  ['connections', 'provider="p",state="invalid"', () => 0],
  ['connections', 'provider="p",state="reauth_required"', () => 0],
  ['connections', 'provider="p",state="sealed"', () => 0],
  ['spool_records', 'state="unreadable"', () => 0],
  ['breaker_open', 'provider="p",client="c"', () => 0],
  ['alerts_open', 'kind="mass_revocation",severity="page"', () => 0],
  ['store_clock_skew_seconds', '', () => 0.4],
  ['secretsmanager_requests_total', 'op="describe",outcome="ok"', (now) => now],
  ['process_start_time_seconds', '', () => -86_400],
];

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

export function seconds(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const size = units[unit];
  if (count === undefined || size === undefined) throw new Error(`${text} is no duration`);
  return Number(count) * size;
}

interface InputSeries {
  readonly series: string;
  readonly values: string;
}

function inputSeries(scene: Scene, intervalS: number, endS: number): InputSeries[] {
  const own = Object.entries(scene.series ?? {});
  const replaced = new Set(own.map(([name]) => name.split('{')[0] ?? ''));
  const named = ([name, values]: [string, string]): InputSeries => {
    const [metric = '', labels = ''] = name.replace('}', '').split('{');
    const full = /^(?:nodejs|process)_/.test(metric) ? metric : `pilotlight_${metric}`;
    // Another process is named by the case.
    const all = [job, labels.includes('instance=') ? '' : instance, labels];
    return { series: `${full}{${all.filter((one) => one !== '').join(',')}}`, values };
  };
  const base = well
    .filter(([metric]) => !replaced.has(metric))
    .map(([metric, labels, value]) => {
      const samples: string[] = [];
      for (let now = 0; now <= endS + intervalS; now += intervalS)
        samples.push(sampleOf(metric, value, now, scene, intervalS));
      return named([labels === '' ? metric : `${metric}{${labels}}`, samples.join(' ')]);
    });
  return [...base, ...own.map(named)];
}

function sampleOf(metric: string, value: (at: number) => number, now: number, scene: Scene, intervalS: number): string {
  const gone = scene.gone?.[metric] ?? scene.gone?.all;
  if (gone !== undefined && within(now, gone)) return within(now - intervalS, gone) ? '_' : 'stale';
  const stuck = scene.stuck?.[metric];
  if (stuck !== undefined && within(now, stuck)) return String(value(seconds(stuck[0])));
  const late = scene.late?.[metric];
  return String(value(now) - (late === undefined ? 0 : seconds(late)));
}

function within(now: number, [from, until]: readonly [string, string]): boolean {
  return now >= seconds(from) && now < seconds(until);
}

/** One file of promtool's unit tests; JSON is YAML. */
export function promtoolTests(
  { cases, evaluateEvery }: CaseFile,
  rulesFile: string,
  severityOf: (alert: string) => string,
): string {
  const tests = cases.flatMap((one) => {
    const interval = one.interval ?? '1m';
    const fires = [one.alert, ...(one.with ?? [])];
    const expected = {
      ...one.labels,
      alertname: one.alert,
      alertstate: 'firing',
      namespace: 'pilotlight',
      severity: severityOf(one.alert),
    };
    return [
      testOf(`${one.alert} fires and ends`, one, interval, [
        ...[...(one.quiet ?? []), ...one.resolved].map((instant) => firing(instant, [])),
        ...one.fires.flatMap((instant) => [firing(instant, fires), exactly(instant, expected)]),
      ]),
      testOf(
        `${one.alert} does not fire just below`,
        one.below,
        interval,
        one.below.quiet.map((instant) => firing(instant, [])),
      ),
    ];
  });
  return JSON.stringify({ rule_files: [rulesFile], evaluation_interval: evaluateEvery, tests });
}

function testOf(name: string, scene: Scene, interval: string, checks: readonly Check[]) {
  const endS = Math.max(...checks.map(({ eval_time }) => seconds(eval_time)));
  return { name, interval, input_series: inputSeries(scene, seconds(interval), endS), promql_expr_test: checks };
}

interface Check {
  readonly expr: string;
  readonly eval_time: string;
  readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
}

/** Exactly these alerts fire, the watchdog apart, which always does. */
function firing(instant: string, alerts: readonly string[]): Check {
  return {
    expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
    eval_time: instant,
    exp_samples: ['PilotlightWatchdog', ...alerts].map((alertname) => ({
      labels: `{alertname="${alertname}"}`,
      value: 1,
    })),
  };
}

function exactly(instant: string, labels: Readonly<Record<string, string>>): Check {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return {
    expr: `ALERTS{alertstate="firing",alertname="${labels.alertname}"}`,
    eval_time: instant,
    exp_samples: [{ labels: `ALERTS{${all.join(',')}}`, value: 1 }],
  };
}
