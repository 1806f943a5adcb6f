/** `pilotlight list`: connections, nearest deadline first. */
import { type Command, Option } from 'commander';
import { type ConnectionState, connectionStates, type IndexEntry } from '../connection/entry.ts';
import { ownerTag } from '../connection/flag.ts';
import type { CommandContext, Opened } from './context.ts';
import { entryJson, entryTable } from './entry-view.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { duration, limitDefault, limitHelp, wholeNumber } from './option-values.ts';
import { byDeadline, type Selection, select } from './select.ts';

interface Options {
  readonly provider?: string;
  readonly state?: ConnectionState;
  readonly text?: string;
  readonly owner?: string;
  readonly dueWithin?: number;
  readonly deadlineWithin?: number;
  readonly limit: number;
}

export function addList(program: Command, act: Act, context: CommandContext): void {
  program
    .command('list')
    .description('list connections, nearest deadline first')
    .option('--provider <name>', 'of this provider')
    .addOption(new Option('--state <state>', 'in this state').choices([...connectionStates]))
    .option('--text <text>', 'with this text in the id or the client, whatever its case')
    .option('--owner <owner>', `whose tag ${ownerTag} says this (asks the store)`)
    .option('--due-within <time>', 'to be refreshed within this time', duration(context))
    .option('--deadline-within <time>', 'that die within this time if nothing happens', duration(context))
    .option('--limit <n>', limitHelp, wholeNumber(0, 10_000_000), limitDefault)
    .addHelpText(
      'after',
      `
A deadline after ~ is estimated. Filters narrow each other.

Examples:
  pilotlight list --deadline-within 72h
  pilotlight list --state reauth_required --owner team-contracts
  pilotlight list --provider oauth2 --limit 0 -o json`,
    )
    .action(act((invocation, options: Options) => invocation.opened((opened) => list(invocation, opened, options))));
}

async function list({ context, screen }: Invocation, opened: Opened, options: Options): Promise<number> {
  const now = context.clock.now();
  const owned = options.owner === undefined ? undefined : await ownedBy(opened, options.owner);
  const selection = await select(opened.index, {
    matches: matcher(options, owned, now),
    order: byDeadline,
    limit: options.limit,
    onProgress: (seen) => screen.progress(`${seen} connections read ...`),
  });
  screen.progress('');
  if (screen.json) {
    screen.document({ matching: selection.matching, connections: selection.entries.map(entryJson) });
    return exitCodes.ok;
  }
  if (selection.matching === 0) {
    const none = (await opened.index.count()) === 0;
    screen.line(none ? 'No connection yet: pilotlight import adds one.' : 'No connection matches.');
    return exitCodes.ok;
  }
  show(selection, { screen, now });
  return exitCodes.ok;
}

function show({ entries, matching }: Selection, { screen, now }: Pick<Invocation, 'screen'> & { now: number }): void {
  entryTable(screen, entries, now);
  if (matching > entries.length)
    screen.line(screen.paint.dim(`${entries.length} of ${matching} shown; --limit 0 shows all`));
}

function matcher(options: Options, owned: ReadonlySet<string> | undefined, now: number) {
  const { provider, state, dueWithin, deadlineWithin } = options;
  const text = options.text?.toLowerCase();
  const within = (at: number | null, ms: number | undefined) => ms === undefined || (at !== null && at <= now + ms);
  return (entry: IndexEntry): boolean =>
    (provider === undefined || entry.at.provider === provider) &&
    (state === undefined || entry.state === state) &&
    (text === undefined || entry.id.toLowerCase().includes(text) || entry.at.client.toLowerCase().includes(text)) &&
    (owned === undefined || owned.has(entry.id)) &&
    within(entry.nextAt, dueWithin) &&
    // What is proven dead has no deadline any more.
    (deadlineWithin === undefined || (entry.state !== 'reauth_required' && within(entry.deadlineAt, deadlineWithin)));
}

/** Owners stand in tags only, which the store's list brings along. */
async function ownedBy({ store, idOf }: Opened, owner: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const page of store.list()) {
    for (const { name, tags } of page) {
      const id = idOf(name);
      if (id !== undefined && tags[ownerTag] === owner) ids.add(id);
    }
  }
  return ids;
}
