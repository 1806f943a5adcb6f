/**
 * `pilotlight import`: makes connections from a JSON file or standard input. Never from arguments, which every user of the
 * machine can read; and never half: everything is checked before anything is made.
 */
import type { Command } from 'commander';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { describeError, errorLabel, PilotlightError } from '../runtime/errors.ts';
import type { CommandContext, Opened } from './context.ts';
import { counted } from './counted.ts';
import { isoOf } from './entry-view.ts';
import { exitCodes } from './exit-codes.ts';
import { usageError } from './failure.ts';
import { type Checked, checkEntries } from './import-check.ts';
import type { Draft } from './import-draft.ts';
import { type FileEntry, problemLine, readImportFile } from './import-file.ts';
import { type Written, writeDrafts } from './import-write.ts';
import type { Act, Invocation } from './invocation.ts';
import type { Screen } from './screen.ts';

interface Options {
  readonly dryRun?: true;
  readonly skipExisting?: true;
}

export function addImport(program: Command, act: Act): void {
  program
    .command('import')
    .argument('<file>', 'a JSON file, or - for standard input; never the tokens themselves')
    .description('add connections from a JSON file or standard input')
    .option('-n, --dry-run', 'check everything, make nothing')
    .option('--skip-existing', 'leave out entries whose id is there already')
    .addHelpText(
      'after',
      `
The file holds one object or an array of them:
  { "id": "acme/esign", "provider": "oauth2", "environment": "production", "client": "main",
    "refresh_token": "...", "scope": "...", "consented_at": "2026-11-20T08:00:00Z", "owner": "team-contracts" }
Needed: id, provider, client, refresh_token. Further: environment, scope, consented_at, refreshed_at, access_token,
token_type, expires_at, api_access_point, data_center, grant_type, owner (becomes a tag). With scope, consented_at and
refreshed_at (last refresh or consent) the deadline is certain; otherwise it is estimated. All other fields are yours and are kept as they are.
Every problem is told at once, by entry and field; nothing is made until there is none. Delete the file afterwards.

Examples:
  pilotlight import connections.json --dry-run
  pilotlight import connections.json --skip-existing
  vault kv get -format=json -field=data secret/acme | pilotlight import -`,
    )
    .action(act((invocation, file: string, options: Options) => importFile(invocation, file, options)));
}

async function importFile(invocation: Invocation, file: string, options: Options): Promise<number> {
  const { context, screen } = invocation;
  const entries = await readEntries(context, file);
  return invocation.opened(async (opened) => {
    const checked = await checkEntries(entries, opened, {
      now: context.clock.now(),
      skipExisting: options.skipExisting === true,
      onProgress: (count) => screen.progress(`${count} of ${entries.length} checked ...`),
    });
    screen.progress('');
    if (checked.problems.length > 0) return refuse(checked, entries.length, screen);
    if (options.dryRun === true) return tellDryRun(checked, context.clock.now(), screen);
    return write(invocation, opened, checked);
  });
}

async function readEntries(context: CommandContext, file: string): Promise<readonly FileEntry[]> {
  if (/^\s*[[{"]/.test(file))
    throw usageError(
      'tokens are never taken from the command line, where others can read them: give a file, or - for standard input',
    );
  const source = file === '-' ? 'standard input' : 'the file';
  let text: string;
  try {
    text = await (file === '-' ? context.readInput() : context.readFile(file));
  } catch (error) {
    // The path is not repeated: it may be a token, taken for a file.
    throw new PilotlightError(
      'refused',
      `${source} cannot be read (${errorLabel(error)}); give the path of a JSON file, or -`,
    );
  }
  const read = readImportFile(text);
  if ('problem' in read) throw new PilotlightError('refused', `${source} ${read.problem}; nothing was imported`);
  return read.entries;
}

function refuse({ problems }: Checked, count: number, screen: Screen): number {
  if (screen.json) screen.document({ made: [], problems });
  for (const problem of problems) screen.remark(problemLine(problem));
  screen.remark(
    `pilotlight: ${counted(problems.length, 'problem')} in ${counted(count, 'entry', 'entries')}; nothing was imported`,
  );
  return exitCodes.failure;
}

function tellDryRun({ drafts, skipped }: Checked, now: number, screen: Screen): number {
  if (screen.json) {
    screen.document({ dryRun: true, wouldMake: drafts.map(draftJson), skipped, problems: [] });
    return exitCodes.ok;
  }
  screen.table(
    [
      { title: 'WOULD MAKE', cut: 'middle' },
      { title: 'PROVIDER' },
      { title: 'CLIENT', cut: 'end' },
      { title: 'DEADLINE' },
      { title: 'AT' },
    ],
    drafts.map(({ id, standing: { at, life } }) => [
      id,
      at.provider,
      at.client,
      life.deadlineAt === null ? 'unknown' : `${life.estimated ? '~ ' : ''}${relativeInWords(life.deadlineAt, now)}`,
      life.deadlineAt === null ? '-' : utcInWords(life.deadlineAt),
    ]),
  );
  tellRemarks(drafts, skipped, screen);
  screen.line(screen.paint.dim('Nothing was made.'));
  return exitCodes.ok;
}

function draftJson({ id, standing: { at, life } }: Draft) {
  const { provider, environment, client, host } = at;
  const { deadlineAt, clock, estimated, unkeepable } = life;
  return { id, provider, environment, client, host, deadlineAt: isoOf(deadlineAt), clock, estimated, unkeepable };
}

/** What the operator should know of connections that are in order all the same. */
function tellRemarks(drafts: readonly Draft[], skipped: readonly string[], screen: Screen): void {
  const count = (matches: (life: Draft['standing']['life']) => boolean) =>
    drafts.filter(({ standing }) => matches(standing.life)).length;
  const estimated = count((life) => life.estimated);
  const unkeepable = count((life) => life.unkeepable);
  if (skipped.length > 0) screen.line(`${skipped.length} left out: there already.`);
  if (estimated > 0)
    screen.line(`${estimated} with an estimated deadline: scope, consented_at and refreshed_at make it certain.`);
  if (unkeepable > 0)
    screen.line(
      screen.paint.tone(
        'warn',
        `${unkeepable} that no refresh can extend: the customer must authorise again before the deadline.`,
      ),
    );
}

async function write({ context, screen }: Invocation, opened: Opened, { drafts, skipped }: Checked): Promise<number> {
  const written = await writeDrafts(opened.store, drafts, {
    clock: context.clock,
    interrupted: context.interruption(),
    onProgress: (made) => screen.progress(`${made} of ${drafts.length} made ...`),
  });
  screen.progress('reading them back ...');
  const adopted = await adopt(opened, written.made, screen);
  screen.progress('');
  const whole = written.failed.length === 0 && written.notTried.length === 0;
  if (screen.json) screen.document({ ...written, skipped, problems: [] });
  else if (whole) {
    const { made } = written;
    screen.line(screen.paint.tone('good', `${counted(made.length, 'connection')} made.`));
    tellRemarks(drafts, skipped, screen);
    if (made.length > 0) screen.line(`${whatNext(adopted, opened.serviceRuns)} Delete the file: it holds live tokens.`);
  } else tellPartial(written, screen);
  return whole ? exitCodes.ok : exitCodes.failure;
}

/** The secrets are made by now: that they cannot be shown yet must not hide it. */
async function adopt(opened: Opened, made: readonly string[], screen: Screen): Promise<boolean> {
  try {
    await opened.adopt(made);
    return true;
  } catch (error) {
    const { code, message } = describeError(error);
    screen.remark(`pilotlight: made, and found by the next inventory only: ${message ?? `unexpected error (${code})`}`);
    return false;
  }
}

function whatNext(adopted: boolean, serviceRuns: boolean): string {
  const seen = adopted ? 'pilotlight list shows them.' : 'pilotlight list shows them after the next inventory.';
  return serviceRuns
    ? `They are kept alive from now on: ${seen}`
    : `Start the service to keep them alive (pilotlight run): ${seen}`;
}

function tellPartial({ made, failed, notTried }: Written, screen: Screen): void {
  for (const id of made) screen.text(`made        ${id}`);
  for (const id of notTried) screen.text(`not tried   ${id}`);
  for (const { id, message } of failed) screen.remark(`failed      ${id}: ${message}`);
  screen.remark(
    `pilotlight: ${made.length} made, ${failed.length} failed, ${notTried.length} not tried; mend the cause, then import again with --skip-existing`,
  );
}
