/** What every suite of `npm run test:faults` looks like to the one that runs them. */

export interface SuiteOptions {
  /** Hours instead of minutes. */
  readonly long: boolean;
  /** A few seconds: enough to see a sabotage, or that a change broke something. */
  readonly quick: boolean;
  /** First seed; a run of n seeds takes the n from here on. */
  readonly seed: number;
  /** What a failure's one-line replay named: this case and no other. */
  readonly replay: string | undefined;
  /** Progress, for a person. */
  readonly say: (line: string) => void;
}

/** A property that did not hold. */
export interface Failure {
  /** Which count it belongs to: lostTokens, doubleSpends, familiesRevoked, falseReconsents, silentDeaths, canaryLeaks, other. */
  readonly property: string;
  readonly what: string;
  /** A command that shows it again. */
  readonly replay: string;
}

export interface SuiteResult {
  /** Numbers for the JSON, by name; those of one name are added up over all suites. */
  readonly counts: Readonly<Record<string, number>>;
  /** How often each named rare state was reached, and how often it must be. */
  readonly rareStates?: Readonly<Record<string, { readonly reached: number; readonly wanted: number }>>;
  readonly failures: readonly Failure[];
  /** Lines of a table for the README, for a person. */
  readonly table?: readonly string[];
}

export interface Suite {
  readonly name: string;
  run(options: SuiteOptions): Promise<SuiteResult>;
}
