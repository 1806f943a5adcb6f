/**
 * `pilotlight revoke ID --yes`: ends a connection on purpose. First the token at its provider, then our keeping it alive, so
 * that a refused revocation leaves everything as it was.
 */
import type { Command } from 'commander';
import { utcInWords } from '../connection/time-words.ts';
import { hasCode, PilotlightError } from '../runtime/errors.ts';
import type { Opened } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { usageError } from './failure.ts';
import type { Act, Invocation } from './invocation.ts';

interface Options {
  readonly yes?: true;
}

export function addRevoke(program: Command, act: Act): void {
  program
    .command('revoke')
    .argument('<id>', 'the connection')
    .description('end a connection: revoke its token, stop keeping it alive')
    .option('--yes', 'do it; without it only what would happen is said')
    .addHelpText(
      'after',
      `
Cannot be undone: the customer would have to authorise again. Where the provider has no revocation endpoint nothing is
ended there: Pilotlight only stops keeping the connection alive, and its token works until its deadline. The secret stays
in the store, without the tag it was found by.

Examples:
  pilotlight revoke acme/esign
  pilotlight revoke acme/esign --yes`,
    )
    .action(
      act((invocation, id: string, options: Options) =>
        invocation.opened((opened) => revoke(invocation, opened, id, options)),
      ),
    );
}

async function revoke({ screen }: Invocation, opened: Opened, id: string, { yes }: Options): Promise<number> {
  const { standing } = await opened.inspect(id);
  if (yes !== true) throw usageError(`${await announcement(opened, id)} Nothing was done: say --yes to do it.`);
  const { deadlineAt } = standing.usable ? standing.life : { deadlineAt: null };
  const answer = await opened.revoke(id);
  switch (answer.kind) {
    case 'revoked':
      await release(opened, id, 'its token is revoked');
      return tell(screen, {
        id,
        revoked: true,
        released: true,
        text: 'revoked at its provider, and no longer kept alive',
      });
    case 'already_dead': {
      await release(opened, id, 'its token was dead already');
      const text = `the provider says its token was dead already (${answer.error}); it is no longer kept alive`;
      return tell(screen, { id, revoked: true, released: true, text });
    }
    case 'not_offered': {
      await release(opened, id, 'nothing was revoked');
      const until =
        deadlineAt === null
          ? 'until it dies unused'
          : `until ${utcInWords(deadlineAt)} at most, if nobody refreshes it`;
      const text = `${answer.provider.title} has no revocation endpoint, so nothing was ended there: the token works ${until}. It is only no longer kept alive. The customer can end it in the account's settings.`;
      return tell(screen, { id, revoked: false, released: true, text });
    }
    case 'refused':
      throw new PilotlightError(
        'refused',
        `the provider refused to revoke ${id} (${answer.error}); it is still kept alive. Check client and provider file, then try again`,
      );
    case 'not_sent':
      throw new PilotlightError(
        'refused',
        `the provider of ${id} could not be reached: nothing was revoked, and it is still kept alive; try again`,
      );
    case 'unanswered':
      throw new PilotlightError(
        'refused',
        `no answer came to the revocation of ${id}: the token may be dead. It is still kept alive; call revoke again`,
      );
    default:
      return answer satisfies never;
  }
}

async function announcement(opened: Opened, id: string): Promise<string> {
  const { standing } = await opened.inspect(id);
  if (!standing.usable) return `${id} cannot be revoked: its secret cannot be used (${standing.reason}).`;
  const { provider, at } = standing;
  return provider.environments[at.environment]?.revocationUrl === undefined
    ? `${provider.title} has no revocation endpoint: revoke would only stop keeping ${id} alive, and its token would work until its deadline.`
    : `This would revoke the token of ${id} at ${provider.title} and stop keeping it alive. The customer would have to authorise again.`;
}

/** Taking the tag away can fail after the token is gone: what is left to do is then said. */
async function release(opened: Opened, id: string, done: string): Promise<void> {
  try {
    await opened.release(id);
  } catch (error) {
    if (!hasCode(error)) throw error;
    throw new PilotlightError(error.code, `${id}: ${done}, but it is still managed: ${error.message}`, {
      cause: error,
    });
  }
}

function tell(
  screen: Invocation['screen'],
  { text, ...facts }: { id: string; revoked: boolean; released: boolean; text: string },
): number {
  if (screen.json) screen.document(facts);
  else screen.text(`${facts.id}: ${text}`);
  return exitCodes.ok;
}
