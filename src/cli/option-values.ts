/** Values of options that several commands read: numbers and durations, refused with what they must look like. */
import { InvalidArgumentError } from 'commander';
import type { CommandContext } from './context.ts';

/** A reader of whole numbers between two limits, both included. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** A reader of durations, in milliseconds. */
export function duration({ readDuration }: Pick<CommandContext, 'readDuration'>): (text: string) => number {
  return (text) => {
    const ms = readDuration(text);
    if (ms === undefined) throw new InvalidArgumentError('It must be a duration like 72h, 7d or P7D.');
    return ms;
  };
}

/** Shown where nothing else is asked for: more than a screen, less than a flood. */
export const limitDefault = 100;
export const limitHelp = 'rows at most; 0 shows all';
