/** Which suites there are, how long each may take, and which counts each owes. A new suite is one line here and one file. */
import type { Suite } from './suite.ts';

export interface SuiteEntry {
  readonly name: string;
  /** What it took on two cores, seconds: the longest is begun first. */
  readonly usualSeconds: number;
  /** Counts that must not be zero once it has run: a suite that tried nothing has proven nothing. */
  readonly owes: readonly string[];
}

/** Longest first. */
export const suites: readonly SuiteEntry[] = [
  { name: 'processes', usualSeconds: 460, owes: ['kills'] },
  { name: 'sabotages', usualSeconds: 340, owes: ['sabotages'] },
  { name: 'simulation', usualSeconds: 290, owes: ['seeds'] },
  { name: 'exhaustive', usualSeconds: 145, owes: ['states'] },
  { name: 'byte-cuts', usualSeconds: 120, owes: ['byteCuts'] },
  { name: 'crash-points', usualSeconds: 80, owes: ['crashPoints', 'pairs'] },
  { name: 'fuzz', usualSeconds: 50, owes: ['fuzzed'] },
  { name: 'peer', usualSeconds: 20, owes: [] },
];

/** Loaded only in the process that runs it. */
export async function loadSuite(name: string): Promise<Suite> {
  const { suite } = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as { suite: Suite };
  return suite;
}
