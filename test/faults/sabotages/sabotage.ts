/** What a sabotage is: one mechanism of the protocol taken away, and the test that must not stay green without it. */

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
