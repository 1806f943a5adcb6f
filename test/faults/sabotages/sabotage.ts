/** What a sabotage is: one mechanism of the protocol taken away, and the test that must not stay green without it. */
import { stripTypeScriptTypes } from 'node:module';

export interface Sabotage {
  /** In words a person reads in the table; also the argument of a replay. */
  readonly name: string;
  /** What no longer holds without it. */
  readonly breaks: string;
  readonly file: string;
  /** Must be there exactly once: a patch that no longer fits is a failure, so that the table cannot rot. */
  readonly find: string;
  readonly replace: string;
  /** A second place in the same file, where one alone would only break things. */
  readonly also?: { readonly find: string; readonly replace: string };
  /** The cheapest test that turns red. */
  readonly caughtBy: Catcher;
}

/** A test file, or those tests of it whose title matches, by words that stand in the file; or a fault suite. */
export type Catcher =
  | { readonly test: string; readonly titled?: string }
  | { readonly suite: string; readonly arguments?: readonly string[] };

/** A file of the integration tests, or those of it whose title matches. */
export function inFile(name: string, titled?: string): Catcher {
  return { test: `test/integration/${name}.test.ts`, ...(titled === undefined ? {} : { titled }) };
}

export function inUnit(name: string): Catcher {
  return { test: `test/unit/${name}.test.ts` };
}

/** The text of the file without the mechanism; or why it cannot be taken out, in words. */
export function damage(
  text: string,
  { file, find, replace, also }: Sabotage,
): { readonly text: string } | { readonly why: string } {
  let damaged = text;
  for (const edit of [{ find, replace }, ...(also === undefined ? [] : [also])]) {
    const places = damaged.split(edit.find).length - 1;
    if (places !== 1) return { why: `what it replaces is in ${file} ${places} times, not once` };
    damaged = damaged.replace(edit.find, () => edit.replace);
  }
  if (damaged === text) return { why: 'it changes nothing' };
  try {
    // A patch that is no code would turn everything red and prove nothing.
    stripTypeScriptTypes(damaged);
  } catch {
    return { why: `it leaves ${file} unreadable` };
  }
  return { text: damaged };
}

export function catcherName(catcher: Catcher): string {
  if ('suite' in catcher) return [catcher.suite, ...(catcher.arguments ?? [])].join(' ');
  return catcher.test.replace(/^test\//, '').replace(/\.test\.ts$/, '');
}

/** What runs in one go: a test file, a fault suite with its arguments. */
function commandOf(catcher: Catcher): string {
  return 'test' in catcher ? catcher.test : catcherName(catcher);
}

/** For each command once: all that is asked of it, in an unharmed tree. */
export interface Control {
  readonly catcher: Catcher;
  covers(catcher: Catcher): boolean;
}

export function controlsOf(catchers: readonly Catcher[]): Control[] {
  return [...Map.groupBy(catchers, commandOf)].flatMap(([command, same]) => {
    const [first] = same;
    if (first === undefined) return [];
    const titles = same.map((one) => ('titled' in one ? one.titled : undefined));
    const whole = 'suite' in first || titles.includes(undefined);
    const catcher = whole
      ? 'test' in first
        ? { test: first.test }
        : first
      : { test: first.test, titled: [...new Set(titles)].map((title) => `(?:${title})`).join('|') };
    return [{ catcher, covers: (other) => commandOf(other) === command }];
  });
}
