/**
 * How a command fails: which exit code, and what may be said. Words from the command line are repeated only where they
 * look like words, because people paste tokens there; of an error that is not ours only class and code are told.
 */
import { CommanderError } from 'commander';
import type { LoadResult } from '../../config/load.ts';
import { errorLabel, hasCode, PilotlightError } from '../runtime/errors.ts';
import type { CommandContext } from './context.ts';
import { counted } from './counted.ts';
import { exitCodes } from './exit-codes.ts';
import { harmless, harmlessLines } from './terminal-text.ts';

/** Wrong use of a command, found after the arguments were parsed. */
export function usageError(message: string): PilotlightError {
  return new PilotlightError('usage', message);
}

/** What commander says of the arguments, without the values it quotes. */
export function argumentProblem(message: string): string {
  const suggestion = /\n\(Did you mean [^\n]*\?\)\s*$/.exec(message)?.[0].trim();
  const hint = suggestion === undefined ? '' : ` ${suggestion}`;
  const unknown = /^error: unknown (option|command) '([\s\S]*)'/.exec(message);
  if (unknown !== null) {
    const [, kind, given = ''] = unknown;
    const word = /^(?:--?)?[a-z][a-z-]{0,23}(?==|$)/.exec(given)?.[0];
    return `unknown ${kind}${word === undefined ? '' : ` ${word}`}${hint}`;
  }
  return message
    .replace(/^error: /, '')
    .replace(/ argument '[\s\S]*' is invalid\./, ' cannot have this value.')
    .replace(/^command-argument value '[\s\S]*' is invalid for argument/, 'this value cannot be the argument')
    .replace(/( but got \d+): [\s\S]*$/, '$1')
    .trim();
}

/** One line for each thing that is wrong with the configuration: file and line, key, what is wrong, what to do. */
export function problemLines(problems: (LoadResult & { ok: false })['problems']): string[] {
  return problems.map(({ file, line, key, message, fix }) => {
    const where = line === undefined ? file : `${file}:${line}`;
    return harmless(`${where}: ${key === '' ? '' : `${key} `}${message}${fix === undefined ? '' : `; ${fix}`}`);
  });
}

export function configurationError(problems: (LoadResult & { ok: false })['problems']): PilotlightError {
  return new PilotlightError(
    'config_invalid',
    [`the configuration has ${counted(problems.length, 'problem')}`, ...problemLines(problems)].join('\n'),
  );
}

/** Tells what went wrong and answers the exit code. Commander has said by itself what is wrong with the arguments. */
export function reportFailure(error: unknown, context: Pick<CommandContext, 'err'>): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const message = error instanceof PilotlightError ? error.message : `unexpected error (${errorLabel(error)})`;
  context.err(`pilotlight: ${harmlessLines(message)}\n`);
  if (hasCode(error, 'usage')) return exitCodes.usage;
  return hasCode(error, 'config_invalid') ? exitCodes.configuration : exitCodes.failure;
}
