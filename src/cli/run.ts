/** `pilotlight run`: the service itself, until it is told to stop. */
import { type Command, Option } from 'commander';
import type { Act } from './invocation.ts';

const roles = ['all', 'scheduler', 'worker'] as const;

interface Options {
  readonly role?: (typeof roles)[number];
}

export function addRun(program: Command, act: Act): void {
  program
    .command('run')
    .description('run the service (what npm start does)')
    .addOption(
      new Option('--role <role>', 'schedule, refresh or both (default: role of the configuration)').choices([...roles]),
    )
    .addHelpText(
      'after',
      `
Logs go to standard output as JSON lines. SIGTERM or Ctrl-C ends it once the rotations under way are finished.

Examples:
  pilotlight run
  pilotlight run --role worker --config /etc/pilotlight/pilotlight.yaml`,
    )
    .action(
      act(async ({ context, load }, { role }: Options) => {
        const loaded = load();
        return context.run(loaded, role ?? loaded.config.role);
      }),
    );
}
