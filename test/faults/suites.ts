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
  { name: 'sabotages', usualSeconds: 420, owes: ['sabotages'] },
  { name: 'processes', usualSeconds: 240, owes: ['kills'] },
  { name: 'simulation', usualSeconds: 180, owes: ['seeds'] },
  { name: 'exhaustive', usualSeconds: 120, owes: ['states'] },
  { name: 'byte-cuts', usualSeconds: 90, owes: ['byteCuts'] },
  { name: 'peer', usualSeconds: 80, owes: [] },
  { name: 'crash-points', usualSeconds: 60, owes: ['crashPoints', 'pairs'] },
  { name: 'fuzz', usualSeconds: 60, owes: ['fuzzed'] },
];

/** Loaded only in the process that runs it. */
export async function loadSuite(name: string): Promise<Suite> {
  const { suite } = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as { suite: Suite };
  return suite;
}
