/** `pilotlight spool verify`: opens every record with the key ring and says which do not open, why, and what to do. */
import type { Command } from 'commander';
import type { SpoolItem, SpoolProblem, SpoolSurvey } from '../rotation/ports.ts';
import { counted } from './counted.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { itemJson, remarkUnread, summary } from './spool-view.ts';

export function addSpoolVerify(spool: Command, act: Act): void {
  spool
    .command('verify')
    .description('open every record with the sealing keys; say which do not open, and why')
    .addHelpText(
      'after',
      `
Checks the code of each header and opens each sealed answer; shows none. Changes nothing and asks nothing of the store.
Exits 1 where a record does not open or the mirror could not be read.

Examples:
  pilotlight spool verify
  pilotlight spool verify -o json`,
    )
    .action(
      act((invocation, _options: object) =>
        invocation.openedSpool(async (opened) => verify(invocation, await opened.survey())),
      ),
    );
}

interface Words {
  readonly why: string;
  readonly fix: string;
}

const keep = 'keep the file: it may hold the only copy of a live token';
/** By the words `src/spool` gives for what is wrong. */
const words: Readonly<Record<string, Words>> = {
  key_missing: {
    why: 'the key it was sealed with is not in the ring',
    fix: 'put that key back into spool.keys.directory and restart the worker; it opens and never seals',
  },
  other_environment: {
    why: 'it was sealed by an install with another environment',
    fix: 'check environment, spool.directory and redis.prefix: two installs share a folder or a Redis',
  },
  unknown_format: {
    why: 'a newer version wrote it',
    fix: 'run that version, or a later one',
  },
  answer_damaged: { why: 'its sealed answer was cut or changed', fix: `check the disk; ${keep}` },
  header_damaged: { why: 'its header was cut or changed', fix: `check the disk; ${keep}` },
  truncated: { why: 'it is cut short', fix: `check the disk; ${keep}` },
  renamed: {
    why: 'it lies under the name of another record',
    fix: 'give it back the name it had (its attempt and .rec)',
  },
  file_unreadable: {
    why: 'it cannot be read',
    fix: 'owner and mode: it belongs to the user the service runs as, mode 0600',
  },
  not_a_plain_file: { why: 'it is a link or a folder', fix: 'nothing of ours: see who put it there' },
  not_a_spool_file: { why: 'it does not begin as a record does', fix: `nothing of ours, or damaged: ${keep}` },
};

function verify({ context, screen }: Invocation, survey: SpoolSurvey): number {
  const { items, mirrorRead } = survey;
  const bad = items.filter(({ problems }) => problems.length > 0);
  const ok = bad.length === 0 && mirrorRead;
  if (screen.json) {
    const now = context.clock.now();
    const records = items.map((item) => ({
      ...itemJson(item, now),
      problems: item.problems.map((problem) => ({ ...problem, ...wordsOf(problem) })),
    }));
    screen.document({ ok, mirrorRead, records });
  } else {
    for (const item of bad) {
      for (const problem of item.problems) {
        const { why, fix } = wordsOf(problem);
        const { connection = 'unknown connection' } = item;
        screen.text(`${connection} (${problem.where}, ${problem.file}): ${why}.`);
        screen.text(`  ${rescued(item, problem) ?? `${fix[0]?.toUpperCase()}${fix.slice(1)}.`}`);
      }
    }
    const verdict =
      bad.length > 0 ? `${bad.length} of ${counted(items.length, 'record')} cannot be opened` : `${opening(items)}`;
    screen.line(screen.paint.tone(bad.length > 0 ? 'bad' : 'good', verdict));
    remarkUnread(screen, survey);
  }
  return ok ? exitCodes.ok : exitCodes.failure;
}

function wordsOf({ why }: SpoolProblem): Words {
  return words[why] ?? { why, fix: keep };
}

/** A copy that opens is finished by recovery, which then takes both away. */
function rescued({ state }: SpoolItem, { where }: SpoolProblem): string | undefined {
  if (state !== 'answered') return undefined;
  const other = where === 'disk' ? 'in the mirror' : 'on the disk';
  return `Nothing to do: the copy ${other} opens and holds the answer; recovery finishes it from there.`;
}

function opening(items: readonly SpoolItem[]): string {
  return items.length === 0 ? 'No open record.' : `Every record opens (${summary(items)}).`;
}
