/** The real Prometheus on loopback, with the chart's rules, scraping what it is told to every two seconds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onExit } from '../faults/processes/on-exit.ts';
import { until } from '../faults/processes/within.ts';
import { freePort } from '../support/free-port.ts';
import { findProgram, namespace, type RuleGroup } from './chart-rules.ts';

export interface Prometheus {
  readonly url: URL;
  /** Scrapes these from now on, and no other. */
  scrape(targets: readonly URL[]): Promise<void>;
  /** The value of an instant query of one sample; undefined where it has none. */
  value(query: string): Promise<number | undefined>;
  stop(): Promise<void>;
}

export async function startPrometheus(groups: readonly RuleGroup[], alertmanager: URL): Promise<Prometheus> {
  const program = await findProgram('prometheus');
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-prometheus-'));
  const file = (name: string) => join(folder, name);
  const scrape = async (targets: readonly URL[]) => {
    const found = [{ targets: targets.map(({ host }) => host), labels: { namespace } }];
    // Read while it is written would be no targets at all.
    await writeFile(file('targets.tmp'), JSON.stringify(found));
    await rename(file('targets.tmp'), file('targets.json'));
  };
  await scrape([]);
  // JSON is YAML.
  await writeFile(file('rules.yaml'), JSON.stringify({ groups }));
  const settings = {
    global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' },
    rule_files: [file('rules.yaml')],
    scrape_configs: [
      { job_name: 'pilotlight', file_sd_configs: [{ files: [file('targets.json')], refresh_interval: '1s' }] },
    ],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager.host] }] }] },
  };
  await writeFile(file('prometheus.yaml'), JSON.stringify(settings));
  const url = new URL(`http://127.0.0.1:${await freePort()}/`);
  const said: string[] = [];
  // What fires is held for four resends by whoever is told, and taken for ended then: a machine that is busy for seconds
  // ends no alert. Beginnings and ends are told at once all the same.
  const child = spawn(
    program,
    [
      ...[`--config.file=${file('prometheus.yaml')}`, `--storage.tsdb.path=${file('data')}`],
      ...[`--web.listen-address=${url.host}`, '--rules.alert.resend-delay=10s', '--log.level=warn'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const spare = onExit(() => child.kill('SIGKILL'));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void said.push(text));
  const ended = once(child, 'close').catch(() => {});
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    spare();
    await rm(folder, { recursive: true, force: true });
  };
  const get = (path: string) => fetch(new URL(path, url), { headers: { connection: 'close' } });
  let ready = false;
  const look = () =>
    void get('-/ready').then(
      ({ ok }) => {
        ready = ok;
      },
      () => {},
    );
  const isReady = await until(() => {
    if (!ready) look();
    return ready || child.exitCode !== null;
  }, 60_000);
  if (!isReady || child.exitCode !== null) {
    await stop();
    throw new Error(`Prometheus did not start: ${said.join('').slice(-2_000)}`);
  }
  return {
    url,
    scrape,
    async value(query) {
      const answer = (await (await get(`api/v1/query?query=${encodeURIComponent(query)}`)).json()) as {
        data?: { result?: { value: [number, string] }[] };
      };
      const sample = answer.data?.result?.[0]?.value[1];
      return sample === undefined ? undefined : Number(sample);
    },
    stop,
  };
}
