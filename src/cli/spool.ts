/** `pilotlight spool list | flush | verify`: the group, and `list`: every record on this machine's disk and in the mirror. */
import type { Command } from 'commander';
import type { SpoolSurvey } from '../rotation/ports.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { addSpoolFlush } from './spool-flush.ts';
import { addSpoolVerify } from './spool-verify.ts';
import { itemJson, listTable, remarkUnread, summary } from './spool-view.ts';

export function addSpool(program: Command, act: Act): void {
  const spool = program
    .command('spool')
    .helpCommand(false)
    .usage('<list|flush|verify> [options]')
    .description('records of rotations that have not come to their end: look, check, finish')
    .addHelpText('after', '\nExamples:\n  pilotlight spool list\n  pilotlight spool verify\n  pilotlight spool flush');
  spool
    .command('list')
    .description('list open rotations: on this disk and in Redis')
    .addHelpText(
      'after',
      `
A record is made before a token is spent and goes once the new one is in the store. intent: sent or about to be, no answer
yet; answered: a new token is sealed and not yet in the store; unreadable: pilotlight spool verify says why. Where: this
machine's disk, the mirror in Redis (of this worker or another), or both. Asks nothing of the store.

Examples:
  pilotlight spool list
  pilotlight spool list -o json`,
    )
    .action(
      act((invocation, _options: object) =>
        invocation.openedSpool(async (opened) => list(invocation, await opened.survey())),
      ),
    );
  addSpoolVerify(spool, act);
  addSpoolFlush(spool, act);
}

function list({ context, screen }: Invocation, survey: SpoolSurvey): number {
  const now = context.clock.now();
  const { items, mirrorRead } = survey;
  if (screen.json) {
    screen.document({ mirrorRead, records: items.map((item) => itemJson(item, now)) });
    return exitCodes.ok;
  }
  if (items.length > 0) listTable(screen, items, now);
  screen.line(items.length === 0 ? 'No open record: every answer is in the store.' : summary(items));
  remarkUnread(screen, survey);
  return exitCodes.ok;
}
