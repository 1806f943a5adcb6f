/** What the suite counts, and the failures it met, each with the one line that shows it again. */
import type { Failure } from '../suite.ts';

export type Count =
  | 'byteCuts'
  | 'lostTokens'
  | 'doubleSpends'
  | 'falseReconsents'
  | 'canaryLeaks'
  | 'windowLosses'
  | 'salvaged'
  | 'notSent'
  | 'unanswered'
  | 'answered';

export type Counts = Readonly<Record<Count, number>>;

export interface Tally {
  readonly counts: Counts;
  readonly failures: readonly Failure[];
  add(count: Count, by?: number): void;
  /** A property that did not hold for the case of this word; those of our counts are counted. */
  fail(property: Count | 'other', what: string, word: string): void;
}

export function createTally(): Tally {
  const counts: Record<Count, number> = {
    byteCuts: 0,
    lostTokens: 0,
    doubleSpends: 0,
    falseReconsents: 0,
    canaryLeaks: 0,
    windowLosses: 0,
    salvaged: 0,
    notSent: 0,
    unanswered: 0,
    answered: 0,
  };
  const failures: Failure[] = [];
  return {
    counts,
    failures,
    add(count, by = 1) {
      counts[count] += by;
    },
    fail(property, what, word) {
      if (property !== 'other') counts[property]++;
      failures.push({ property, what: `${word}: ${what}`, replay: replayOf(word) });
    },
  };
}

function replayOf(word: string): string {
  return `node test/faults/main.ts --only byte-cuts --replay ${word}`;
}
