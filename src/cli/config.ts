/** `pilotlight config validate` and `config print`: is the configuration in order, and what does it come to. */
import type { Command } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { configurationError, usageError } from './failure.ts';
import type { Act, Invocation } from './invocation.ts';
import { harmless } from './terminal-text.ts';

export function addConfig(program: Command, act: Act): void {
  const config = program
    .command('config')
    .helpCommand(false)
    .usage('<validate|print> [options]')
    .description('check the configuration, or show what is in force')
    .addHelpText('after', '\nExamples:\n  pilotlight config validate\n  pilotlight config print > in-force.yaml');
  config
    .command('validate')
    .description('check the configuration; every problem at once')
    .addHelpText(
      'after',
      `
Reads files and environment as the service does, and opens nothing. Exits 78 where there is a problem, each told as
file:line: key, what is wrong; what to do.

Examples:
  pilotlight config validate
  pilotlight config validate --config staging.yaml -o json`,
    )
    .action(act(async (invocation, _options: object) => validate(invocation)));
  config
    .command('print')
    .description('show the configuration in force, defaults filled in, without credentials')
    .addHelpText(
      'after',
      '\nWrites YAML that loads again.\n\nExamples:\n  pilotlight config print\n  pilotlight config print -c staging.yaml',
    )
    .action(
      act(async ({ context, screen, load }, _options: object) => {
        if (screen.json) throw usageError('config print writes YAML; leave -o json out');
        const { config } = load();
        for (const line of context.renderConfig(config).trimEnd().split('\n')) screen.line(harmless(line));
        return exitCodes.ok;
      }),
    );
}

function validate({ context, configFile, screen }: Invocation): number {
  const result = context.loadConfig(configFile);
  if (screen.json) {
    screen.document(result.ok ? { ok: true, sources: result.sources, problems: [] } : result);
    return result.ok ? exitCodes.ok : exitCodes.configuration;
  }
  if (!result.ok) throw configurationError(result.problems);
  const { providers, clients, store } = result.config;
  screen.line(screen.paint.tone('good', 'The configuration is in order.'));
  for (const source of result.sources) screen.line(`  read ${harmless(source)}`);
  screen.line(
    `  store ${store.kind}, ${Object.keys(providers).length} providers, ${Object.keys(clients).length} clients`,
  );
  return exitCodes.ok;
}
