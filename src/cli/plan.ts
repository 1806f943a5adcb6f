/** `pilotlight plan`: what will run when, and why. */
import type { Command } from 'commander';
import { utcInWords } from '../connection/time-words.ts';
import type { CommandContext, Opened } from './context.ts';
import { entryJson, isoOf, nextInWords, stateCell } from './entry-view.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { duration, limitDefault, limitHelp, wholeNumber } from './option-values.ts';
import { type Selection, byNext, select } from './select.ts';
import { whyNext } from './why-next.ts';
import { harmless } from './terminal-text.ts';

interface Options {
  readonly within: number;
  readonly provider?: string;
  readonly limit: number;
}

export function addPlan(program: Command, act: Act, context: CommandContext): void {
  program
    .command('plan')
    .description('show what will run when, and why')
    .option('--within <time>', 'how far to look ahead (default: 7d)', duration(context), 7 * 86_400_000)
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
  // A default in milliseconds would be shown as such.
  const within = program.commands.at(-1)?.options.find(({ long }) => long === '--within');
  if (within !== undefined) within.defaultValueDescription = '7d';
}

async function plan({ context, screen }: Invocation, opened: Opened, options: Options): Promise<number> {
  const now = context.clock.now();
  const until = now + options.within;
  const { provider } = options;
  const perProvider = new Map<string, number>();
  let overdue = 0;
  const selection = await select(opened.index, {
    matches: (entry) => {
      if (entry.nextAt === null || entry.nextAt > until) return false;
      if (provider !== undefined && entry.at.provider !== provider) return false;
      perProvider.set(entry.at.provider, (perProvider.get(entry.at.provider) ?? 0) + 1);
      if (entry.nextAt <= now) overdue += 1;
      return true;
    },
    order: byNext,
    limit: options.limit,
    onProgress: (seen) => screen.progress(`${seen} connections read ...`),
  });
  screen.progress('');
  const { schedule, providers } = opened.config;
  const why = (entry: Selection['entries'][number]) => whyNext(entry, providers[entry.at.provider], now);
  if (screen.json) {
    screen.document({
      now: isoOf(now),
      until: isoOf(until),
      schedule,
      matching: selection.matching,
      dueNow: overdue,
      perProvider: Object.fromEntries(perProvider),
      runs: selection.entries.map((entry) => ({ ...entryJson(entry), why: why(entry) })),
    });
    return exitCodes.ok;
  }
  screen.line(`Ticks (cron, UTC)  ${harmless(Object.entries(schedule).map(([job, cron]) => `${job} ${cron}`).join(' | '))}`);
  if (!opened.serviceRuns) screen.line(screen.paint.tone('warn', 'No service is running: nothing of this happens until one does (pilotlight run).'));
  if (selection.matching === 0) {
    screen.line(`Nothing is due before ${utcInWords(until)}.`);
    return exitCodes.ok;
  }
  const counts = [...perProvider].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
  screen.line(harmless(`Until ${utcInWords(until)}  ${selection.matching} due, ${overdue} of them now (${counts.join(', ')})`));
  screen.line();
  screen.table(
    [
      { title: 'WHEN' },
      { title: 'AT' },
      { title: 'CONNECTION', cut: 'middle' },
      { title: 'PROVIDER' },
      { title: 'STATE' },
      { title: 'WHY', cut: 'end' },
    ],
    selection.entries.map((entry) => [
      nextInWords(entry.nextAt, now),
      utcInWords(entry.nextAt ?? Number.NaN),
      entry.id,
      entry.at.provider,
      stateCell(entry.state),
      why(entry),
    ]),
  );
  if (selection.matching > selection.entries.length)
    screen.line(screen.paint.dim(`${selection.entries.length} of ${selection.matching} shown; --limit 0 shows all`));
  return exitCodes.ok;
}
