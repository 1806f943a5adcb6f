/** The soak's command line. */
import { parseArgs } from 'node:util';
import { type Leak, leaks } from './plant.ts';

export interface SoakOptions {
  /** Real minutes the calendar runs. */
  readonly minutes: number;
  readonly json: boolean;
  readonly seed: number;
  readonly connections: number;
  /** Days of the calendar in a second of real time. */
  readonly daysPerSecond: number;
  /** Leaks made on purpose. */
  readonly leaks: readonly Leak[];
}

export const help = `node test/soak/main.ts [--minutes N] [--json] [--seed N] [--connections N] [--plant LEAK]...

  --minutes N         real minutes (default 10); a minute is a month of the calendar. Below four it is still
                      warming up: enough to see planted leaks, not for a verdict
  --json              one JSON object on standard output instead of a table
  --seed N            draws who has which trouble (default 1)
  --connections N     customers at any time (default 150)
  --days-per-second N speed of the calendar (default 0.5)
  --plant LEAK        leak on purpose, to see it found: ${leaks.join(', ')}, or all

Exit code: 0 nothing grows and everything held, 1 something does or did not, 2 the command line is wrong, 130 interrupted.
`;

/** Throws RangeError or TypeError, in words for the person at the terminal. */
export function readArguments(args: readonly string[]): SoakOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      json: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      connections: { type: 'string', default: '150' },
      'days-per-second': { type: 'string', default: '0.5' },
      plant: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const number = (name: string, text: string, least: number, most: number) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new RangeError(`--${name} must be a number from ${least} to ${most}`);
  };
  const unknown = values.plant.filter((name) => name !== 'all' && !leaks.includes(name as Leak));
  if (unknown.length > 0) throw new RangeError(`there is no leak ${unknown.join(', ')}: ${leaks.join(', ')} or all`);
  return {
    minutes: number('minutes', values.minutes, 0.75, 10_080),
    json: values.json,
    seed: Math.floor(number('seed', values.seed, 0, 2 ** 32 - 1)),
    connections: Math.floor(number('connections', values.connections, 20, 10_000)),
    daysPerSecond: number('days-per-second', values['days-per-second'], 0.01, 1),
    leaks: values.plant.includes('all') ? leaks : (values.plant as Leak[]),
  };
}
