/** `pilotlight plan`: what will run when, and why. */
import { type Command, Option } from 'commander';
import type { IndexEntry } from '../connection/entry.ts';
import { utcInWords } from '../connection/time-words.ts';
import type { CommandContext, Opened } from './context.ts';
import { entryJson, isoOf, nextInWords, stateCell } from './entry-view.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { duration, limitDefault, limitHelp, wholeNumber } from './option-values.ts';
import type { Screen } from './screen.ts';
import { byNext, type Selection, select } from './select.ts';
import { harmless } from './terminal-text.ts';
import { whyNext } from './why-next.ts';

interface Options {
  readonly within: number;
  readonly provider?: string;
  readonly limit: number;
}

const dayMs = 86_400_000;

export function addPlan(program: Command, act: Act, context: CommandContext): void {
  program
    .command('plan')
    .description('show what will run when, and why')
    .addOption(
      new Option('--within <time>', 'how far to look ahead').argParser(duration(context)).default(7 * dayMs, '7d'),
    )
    .option('--provider <name>', 'of this provider')
    .option('--limit <n>', limitHelp, wholeNumber(0, 10_000_000), limitDefault)
    .addHelpText(
      'after',
      `
The sweep moves what is due into the queues; of what is due together the nearest deadline runs first.

Examples:
  pilotlight plan
  pilotlight plan --within 24h --provider oauth2
  pilotlight plan --within 30d --limit 0 -o json`,
    )
    .action(act((invocation, options: Options) => invocation.opened((opened) => plan(invocation, opened, options))));
}

interface Plan extends Selection {
  readonly now: number;
  readonly until: number;
  readonly dueNow: number;
  readonly perProvider: ReadonlyMap<string, number>;
  readonly why: (entry: IndexEntry) => string;
}

async function plan({ context, screen }: Invocation, opened: Opened, options: Options): Promise<number> {
  const now = context.clock.now();
  const made = await makePlan(opened, options, { now, onProgress: (seen) => screen.progress(`${seen} read ...`) });
  screen.progress('');
  if (screen.json) screen.document(planJson(made, opened));
  else show(made, opened, screen);
  return exitCodes.ok;
}

async function makePlan(
  opened: Opened,
  { within, provider, limit }: Options,
  { now, onProgress }: { now: number; onProgress: (seen: number) => void },
): Promise<Plan> {
  const until = now + within;
  const perProvider = new Map<string, number>();
  let dueNow = 0;
  const matches = ({ nextAt, at }: IndexEntry) => {
    if (nextAt === null || nextAt > until || (provider !== undefined && at.provider !== provider)) return false;
    perProvider.set(at.provider, (perProvider.get(at.provider) ?? 0) + 1);
    if (nextAt <= now) dueNow += 1;
    return true;
  };
  const selection = await select(opened.index, { matches, order: byNext, limit, onProgress });
  const { providers } = opened.config;
  const why = (entry: IndexEntry) => whyNext(entry, providers[entry.at.provider], now);
  return { ...selection, now, until, dueNow, perProvider, why };
}

function planJson({ now, until, matching, dueNow, perProvider, entries, why }: Plan, opened: Opened) {
  return {
    now: isoOf(now),
    until: isoOf(until),
    serviceRuns: opened.serviceRuns,
    schedule: opened.config.schedule,
    matching,
    dueNow,
    perProvider: Object.fromEntries(perProvider),
    runs: entries.map((entry) => ({ ...entryJson(entry), why: why(entry) })),
  };
}

function show(made: Plan, { config, serviceRuns }: Opened, screen: Screen): void {
  const { now, until, matching, dueNow, perProvider, entries, why } = made;
  const ticks = Object.entries(config.schedule).map(([job, cron]) => `${job} ${cron}`);
  screen.line(`Ticks (cron, UTC): ${harmless(ticks.join(', '))}`);
  if (!serviceRuns)
    screen.line(
      screen.paint.tone('warn', 'No service is running: none of this happens until one does (pilotlight run).'),
    );
  if (matching === 0) {
    screen.line(`Nothing is due before ${utcInWords(until)}.`);
    return;
  }
  const counts = [...perProvider]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name === '' ? 'no provider' : name} ${count}`);
  screen.line(harmless(`Due until ${utcInWords(until)}: ${matching}, ${dueNow} of them now (${counts.join(', ')})`));
  screen.line();
  screen.table(
    [
      { title: 'WHEN' },
      { title: 'AT' },
      { title: 'CONNECTION', cut: 'middle' },
      { title: 'STATE' },
      { title: 'WHY', cut: 'end' },
    ],
    entries.map((entry) => [
      nextInWords(entry.nextAt, now),
      utcInWords(entry.nextAt ?? Number.NaN),
      entry.id,
      stateCell(entry.state),
      why(entry),
    ]),
  );
  if (matching > entries.length)
    screen.line(screen.paint.dim(`${entries.length} of ${matching} shown; --limit 0 shows all`));
}
