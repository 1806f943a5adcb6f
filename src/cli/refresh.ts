/** `pilotlight refresh ID...`: refreshes by hand, by the same protocol as the service; or says what would be done. */
import type { Command } from 'commander';
import { hasCode } from '../runtime/errors.ts';
import type { ManualRefresh, Opened } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { describeOutcome } from './outcome-words.ts';
import type { Screen } from './screen.ts';
import { harmless } from './terminal-text.ts';

interface Options {
  readonly dryRun?: true;
}

export function addRefresh(program: Command, act: Act): void {
  program
    .command('refresh')
    .argument('<id...>', 'the connections')
    .description('refresh connections now')
    .option('-n, --dry-run', 'only say what would be done, and why')
    .addHelpText(
      'after',
      `
Takes the same lease, limits and spool as the service: where one runs, its workers do it; otherwise this process does.
Exits 0 only if every connection is refreshed or needs no refresh.

Examples:
  pilotlight refresh acme/esign
  pilotlight refresh acme/esign globex/esign --dry-run`,
    )
    .action(
      act((invocation, given: string[], { dryRun }: Options) => {
        const ids = [...new Set(given)];
        return invocation.opened((opened) =>
          dryRun === true ? explain(invocation, opened, ids) : refresh(invocation, opened, ids),
        );
      }),
    );
}

async function refresh({ context, screen }: Invocation, opened: Opened, ids: readonly string[]): Promise<number> {
  const interrupted = context.interruption();
  const done: ManualRefresh[] = [];
  const by = opened.serviceRuns ? 'the running workers' : 'this process';
  screen.progress(`0 of ${ids.length}, by ${by} ...`);
  for await (const result of opened.refresh(ids)) {
    done.push(result);
    if (!screen.json) tell(result, screen);
    // What is under way comes to its end: a token may have been spent.
    if (interrupted.aborted) break;
    if (done.length < ids.length) screen.progress(`${done.length} of ${ids.length}, by ${by} ...`);
  }
  screen.progress('');
  if (screen.json) screen.document({ refreshes: done.map(refreshJson) });
  const missing = ids.length - done.length;
  if (missing > 0) screen.remark(`pilotlight: interrupted; ${missing} not tried`);
  return missing === 0 && done.every(succeeded) ? exitCodes.ok : exitCodes.failure;
}

function succeeded(result: ManualRefresh): boolean {
  return 'report' in result && describeOutcome(result.report).success;
}

function tell(result: ManualRefresh, screen: Screen): void {
  const { text, tone } =
    'report' in result ? describeOutcome(result.report) : { text: result.problem, tone: 'bad' as const };
  screen.line(`${harmless(result.connection)}: ${screen.paint.tone(tone, harmless(text))}`);
}

function refreshJson(result: ManualRefresh) {
  const { connection: id } = result;
  if ('problem' in result) return { id, ok: false, outcome: null, problem: result.problem };
  const { outcome, reason, status, error, totalMs } = result.report;
  const ok = describeOutcome(result.report).success;
  return { id, ok, outcome, reason, status: status ?? null, error: error ?? null, totalMs: Math.round(totalMs) };
}

async function explain({ screen }: Invocation, opened: Opened, ids: readonly string[]): Promise<number> {
  const explained: { id: string; explanation?: readonly string[]; problem?: string }[] = [];
  for (const id of ids) {
    try {
      explained.push({ id, explanation: await opened.explain(id) });
    } catch (error) {
      // One id mistyped must not hide what is said of the others.
      if (!hasCode(error)) throw error;
      explained.push({ id, problem: error.message });
    }
  }
  if (screen.json) screen.document({ dryRun: true, refreshes: explained });
  else {
    for (const { id, explanation = [], problem } of explained) {
      screen.line(screen.paint.bold(harmless(id)));
      for (const sentence of explanation) screen.line(`  ${harmless(sentence)}`);
      if (problem !== undefined) screen.line(`  ${screen.paint.tone('bad', harmless(problem))}`);
    }
    screen.line(screen.paint.dim('Nothing was sent or changed.'));
  }
  return explained.some(({ problem }) => problem !== undefined) ? exitCodes.failure : exitCodes.ok;
}
