/**
 * `npm run test:chart`: the chart held against the tools its users run and against the program it starts. Apart from
 * `npm test`, because the tools are built with Go, once. `--json` for programs, `--only <part of a group's name>` for one.
 */
import { parseArgs } from 'node:util';
import { chartFolder, readChart } from './chart.ts';
import { type Check, runChecks, type Summary, summarise, summaryLines } from './check.ts';
import { helmChecks } from './helm-checks.ts';
import { manifestChecks } from './manifest-checks.ts';
import { nullChecks } from './null-checks.ts';
import { podChecks } from './pod-checks.ts';
import { schemaLocations } from './schemas.ts';
import { textChecks } from './text-checks.ts';
import { findTool, missingPrograms, toolNames, tools } from './tools.ts';
import { valuesChecks } from './values-checks.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function run(options: { json: boolean; only: string; chart: string }): Promise<number> {
  const startedMs = performance.now();
  const chart = await readChart(options.chart);
  const lacking = await missingPrograms();
  if (lacking.length > 0) throw new Error(['what is missing here:', ...lacking.map((one) => `  ${one}`)].join('\n'));
  // One after the other: a build takes every core by itself.
  for (const name of toolNames) await findTool(name, say);
  await schemaLocations(chart.kubernetes);
  say(`${chart.shapes.length} shapes, Kubernetes ${chart.kubernetes.join(' and ')}`);
  const checks: Check[] = [
    ...helmChecks(chart),
    ...(await valuesChecks(chart)),
    ...(await nullChecks(chart)),
    ...manifestChecks(chart),
    ...podChecks(chart),
    ...(await textChecks(chart)),
  ].filter(({ group }) => group.includes(options.only));
  const results = await runChecks(checks, 2, ({ group, what, problems }) =>
    say(`${problems.length === 0 ? '✓' : '✗'} ${group}: ${what}`),
  );
  const summary = summarise(results);
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  if (options.json) process.stdout.write(`${JSON.stringify(documentOf(summary, chart.shapes, seconds), null, 2)}\n`);
  // For .ci/run the counts stand on standard output as well; JSON has it to itself.
  const tell = options.json ? say : (line: string) => void process.stdout.write(`${line}\n`);
  for (const line of [...summaryLines(summary), `${seconds} s`]) tell(line);
  return summary.ok ? 0 : 1;
}

function documentOf(summary: Summary, shapes: readonly string[], seconds: number) {
  const versions = Object.fromEntries(toolNames.map((name) => [name, tools[name].version]));
  return { ...summary, shapes, tools: versions, seconds };
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    chart: { type: 'string', default: chartFolder },
  },
});
try {
  process.exitCode = await run(values);
} catch (error) {
  // A tool or a chart that is not there is told in its own words, and counts as one failure.
  say(error instanceof Error ? error.message : String(error));
  if (!values.json) process.stdout.write('\n      Tests  1 failed\n');
  process.exitCode = 1;
}
