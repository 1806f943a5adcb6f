/** What `npm run test:faults` was asked for. */
import { parseArgs } from 'node:util';
import { type SuiteEntry, suites } from './suites.ts';

export interface FaultArguments {
  readonly json: boolean;
  readonly long: boolean;
  readonly quick: boolean;
  readonly seed: number;
  readonly replay: string | undefined;
  readonly lanes: number;
  /** To run, longest first. */
  readonly chosen: readonly SuiteEntry[];
  /** Run the one suite chosen in this process and hand its result to whoever started it. */
  readonly child: boolean;
}

export type ReadArguments =
  | { readonly ok: true; readonly asked: FaultArguments }
  | { readonly ok: false; readonly exit: 0 | 2; readonly says: string };

export const help = `node test/faults/main.ts [--json] [--only SUITE[,SUITE]] [--quick | --long] [--seed N] [--replay ARG] [--lanes N]

  --json          one JSON object on standard output; what is for a person always goes to standard error
  --only SUITE    ${suites.map(({ name }) => name).join(', ')}; several with commas, or given again
  --quick         a few seconds for each suite: did a change break something
  --long          hours instead of minutes
  --seed N        the first seed; the same seed gives the same run (default 1)
  --replay ARG    one case and no other, as a failure names it; with one suite
  --lanes N       suites at a time (default 2)

Exits 0 where every property held and everything owed was tried, 1 where not, 2 for wrong use.
`;

/** Never throws: what is wrong is said, with the way out. */
export function readArguments(argv: readonly string[]): ReadArguments {
  const wrong = (problem: string): ReadArguments => ({ ok: false, exit: 2, says: `${problem}\n\n${help}` });
  let values: ReturnType<typeof parse>;
  try {
    values = parse(argv);
  } catch (error) {
    return wrong((error as Error).message);
  }
  if (values.help) return { ok: false, exit: 0, says: help };
  const names = new Set((values.only ?? []).flatMap((given) => given.split(',')).map((name) => name.trim()));
  const unknown = [...names].filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0) return wrong(`there is no suite ${unknown.map((name) => `"${name}"`).join(', ')}`);
  const chosen = suites.filter(({ name }) => names.size === 0 || names.has(name));
  const [seed, lanes] = [wholeNumber(values.seed), wholeNumber(values.lanes)];
  if (seed === undefined) return wrong('--seed takes a whole number from 0 on');
  if (lanes === undefined || lanes === 0) return wrong('--lanes takes a whole number from 1 on');
  if (values.long && values.quick) return wrong('--long and --quick cannot both be');
  if (values.replay !== undefined && chosen.length !== 1) return wrong('--replay needs --only with one suite');
  if (values.child && chosen.length !== 1) return wrong('--child needs --only with one suite');
  const { json, long, quick, replay, child } = values;
  const longestFirst = chosen.toSorted((a, b) => b.usualSeconds - a.usualSeconds);
  return { ok: true, asked: { json, long, quick, seed, replay, lanes, chosen: longestFirst, child } };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      replay: { type: 'string' },
      lanes: { type: 'string', default: '2' },
      child: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The arguments that make a child process run one of the suites chosen. */
export function childArguments({ name }: SuiteEntry, asked: FaultArguments): string[] {
  return [
    ...['--child', '--only', name, '--seed', String(asked.seed)],
    ...(asked.long ? ['--long'] : []),
    ...(asked.quick ? ['--quick'] : []),
    ...(asked.replay === undefined ? [] : [`--replay=${asked.replay}`]),
  ];
}
