/** `pilotlight reauth-link` and `pilotlight connect`: links for a customer, to come back or to be connected for the first time. */
import type { Command } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { usageError } from './failure.ts';
import type { Act, Invocation } from './invocation.ts';
import type { Screen } from './screen.ts';

export function addLinks(program: Command, act: Act): void {
  program
    .command('reauth-link')
    .argument('<id>', 'the connection')
    .description('print a link with which its customer authorises again')
    .addHelpText(
      'after',
      `
The link expires (reconsent.linkLife), is for this connection only, and is worth nothing once a newer grant is stored. Whoever
has it can start an authorisation, and must then sign in at the provider.

Examples:
  pilotlight reauth-link acme/esign`,
    )
    .action(
      act((invocation, id: string) =>
        invocation.opened(async (opened) => show(invocation.screen, id, await (await opened.alerts()).reauthLink(id))),
      ),
    );
  program
    .command('connect')
    .argument('<provider>', 'such as oauth2: a configured provider')
    .description('print a link with which a customer connects for the first time')
    .requiredOption('--client <name>', 'our registration at the provider, as configured')
    .requiredOption('--id <id>', 'what the connection is to be called')
    .option('--environment <name>', "the provider's own environment", 'production')
    .addHelpText(
      'after',
      '\nThe secret is made when the customer has authorised.\n\nExamples:\n  pilotlight connect oauth2 --client main --id acme/esign',
    )
    .action(act((invocation, provider: string, options: ConnectOptions) => connect(invocation, provider, options)));
}

interface ConnectOptions {
  readonly client: string;
  readonly id: string;
  readonly environment: string;
}

function connect(
  invocation: Invocation,
  provider: string,
  { client, id, environment }: ConnectOptions,
): Promise<number> {
  return invocation.opened(async (opened) => {
    const known = opened.config.providers[provider];
    if (known === undefined)
      throw usageError(
        `no provider is called ${provider}; there are ${Object.keys(opened.config.providers).join(', ')}`,
      );
    if (!Object.hasOwn(opened.config.clients, client))
      throw usageError(`no client is called ${client} (clients.${client})`);
    if (!Object.hasOwn(known.environments, environment))
      throw usageError(
        `${provider} has no environment ${environment}; there are ${Object.keys(known.environments).join(', ')}`,
      );
    if ((await opened.index.get(id)) !== undefined)
      throw usageError(`${id} is connected already: pilotlight reauth-link ${id}`);
    const alerts = await opened.alerts();
    return show(invocation.screen, id, alerts.connectLink({ connection: id, provider, environment, client }));
  });
}

function show(screen: Screen, connection: string, url: string): number {
  if (screen.json) screen.document({ connection, url });
  else screen.line(url);
  return exitCodes.ok;
}
