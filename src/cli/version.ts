/** `pilotlight version`: what is running here. */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act } from './invocation.ts';

export function versionLine({ version, commit, node }: CommandContext['version']): string {
  return `pilotlight ${version} (commit ${commit}, Node.js ${node})`;
}

export function addVersion(program: Command, act: Act): void {
  program
    .command('version')
    .description('show version, commit and Node.js version')
    .addHelpText('after', '\nExamples:\n  pilotlight version\n  pilotlight version -o json')
    .action(
      act(async ({ context, screen }, _options: object) => {
        if (screen.json) screen.document(context.version);
        else screen.line(versionLine(context.version));
        return exitCodes.ok;
      }),
    );
}
