/** `pilotlight demo`: the whole service against a sandbox on this machine, with a calendar that runs. */
import type { Command } from 'commander';
import type { Act } from './invocation.ts';
import { wholeNumber } from './option-values.ts';

interface Options {
  readonly once?: true;
  readonly seed: number;
  readonly json?: true;
  readonly days: number;
  readonly port: number;
}

export function addDemo(program: Command, act: Act): void {
  program
    .command('demo')
    .description('watch 60 days in about a minute, all on this machine')
    .option('--once', 'end after the last day instead of leaving the status page up')
    .option('--seed <n>', 'seed of everything that is left to chance', wholeNumber(0, 2 ** 32 - 1), 7)
    .option('--days <n>', 'virtual days', wholeNumber(1, 400), 60)
    .option('--port <n>', 'port of the status page on 127.0.0.1; 0 takes a free one', wholeNumber(0, 65_535), 0)
    .option('--json', 'print the summary as one JSON object')
    .addHelpText(
      'after',
      `
Needs no account and no configuration. With --once it exits 0 only if every invariant held, as judged by the sandbox,
which knows which token is live.

Examples:
  pilotlight demo
  pilotlight demo --once --seed 7 --json`,
    )
    .action(
      act(({ context, screen }, options: Options) =>
        context.demo({
          once: options.once === true,
          seed: options.seed,
          json: options.json === true || screen.json,
          days: options.days,
          port: options.port,
        }),
      ),
    );
}
