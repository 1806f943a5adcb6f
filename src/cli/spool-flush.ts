/** `pilotlight spool flush`: recovery now instead of at its next tick, beside whatever is running; says what is left. */
import type { Command } from 'commander';
import { describeReason, type Tone } from '../connection/words.ts';
import type { RotationReport } from '../rotation/outcome.ts';
import type { SpoolSurvey } from '../rotation/ports.ts';
import type { Flushed, OpenedSpool } from './context.ts';
import { counted } from './counted.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { describeOutcome } from './outcome-words.ts';
import { itemJson, listTable, remarkUnread, summary } from './spool-view.ts';
import { harmless } from './terminal-text.ts';

export function addSpoolFlush(spool: Command, act: Act): void {
  spool
    .command('flush')
    .description('finish open rotations now: bring every sealed answer to the store')
    .addHelpText(
      'after',
      `
Does what the service's recovery does, under the same leases, for the records of this disk and of the mirror: safe beside
a running worker, whose connections under way are left to it. Spends no token. Exits 1 where a record is left.

Examples:
  pilotlight spool flush
  kubectl exec pilotlight-worker-0 -- pilotlight spool flush`,
    )
    .action(act((invocation, _options: object) => invocation.openedSpool((opened) => flush(invocation, opened))));
}

async function flush({ context, screen }: Invocation, opened: OpenedSpool): Promise<number> {
  const interrupted = context.interruption();
  const done: Flushed[] = [];
  screen.progress('finishing open records ...');
  for await (const flushed of opened.flush()) {
    done.push(flushed);
    if (!screen.json) {
      const { text, tone } = said(flushed);
      screen.line(`${harmless(flushed.connection)}: ${screen.paint.tone(tone, harmless(text))}`);
    }
    // Those under way come to their end.
    if (interrupted.aborted) break;
    screen.progress(`${counted(done.length, 'connection')} ...`);
  }
  screen.progress('');
  const survey = await opened.survey();
  const { items, mirrorRead } = survey;
  const now = context.clock.now();
  if (screen.json) {
    const connections = done.map((flushed) => ({ id: flushed.connection, ...flushedJson(flushed) }));
    screen.document({ ok: isEmpty(survey), mirrorRead, connections, left: items.map((item) => itemJson(item, now)) });
  } else if (items.length === 0) {
    screen.line(screen.paint.tone('good', 'Nothing is left: every answer is in the store.'));
    remarkUnread(screen, survey);
  } else {
    screen.line();
    listTable(screen, items, now);
    screen.line(screen.paint.tone('warn', `left: ${summary(items)}`));
    remarkUnread(screen, survey);
  }
  return isEmpty(survey) ? exitCodes.ok : exitCodes.failure;
}

function isEmpty({ items, mirrorRead }: SpoolSurvey): boolean {
  return items.length === 0 && mirrorRead;
}

const leftWords = {
  held: 'left to the worker that has it in hand',
  redis_new: 'left for now: Redis is new, and nobody gets a lease yet; try again in some minutes',
} as const;

function said(flushed: Flushed): { text: string; tone: Tone } {
  if ('left' in flushed) return { text: leftWords[flushed.left], tone: 'info' };
  const { report } = flushed;
  if (report.outcome === 'rotated') return { text: 'finished: its new token is in the store', tone: 'good' };
  if (report.outcome === 'sealed')
    return { text: withReason('still only sealed: the store did not take it', report), tone: 'warn' };
  if (report.outcome === 'notDue' && report.reason === 'none')
    return { text: 'nothing of it was left to do', tone: 'good' };
  if (report.outcome === 'notDue') return { text: withReason('left as it is', report), tone: 'warn' };
  if (report.outcome === 'retryLater') return { text: withReason('not finished now', report), tone: 'warn' };
  return describeOutcome(report);
}

function withReason(text: string, { reason, error }: RotationReport): string {
  const details = [describeReason(reason).meaning, error ?? ''].filter((part) => part !== '').join(' ');
  return details === '' ? text : `${text} (${details})`;
}

function flushedJson(flushed: Flushed) {
  if ('left' in flushed) return { outcome: null, left: flushed.left };
  const { outcome, reason, status, error } = flushed.report;
  return { outcome, reason, status: status ?? null, error: error ?? null, left: null };
}
