/** What all cases came to, added up: counts, failures with their replay, and a table for a person. */
import type { Failure, SuiteResult } from '../suite.ts';
import { type Case, caseText, type Mode, modes } from './point.ts';
import type { CaseEnd } from './run.ts';

/** Counts by the names the whole run adds up; whatever else is broken counts as `other`. */
const properties = ['lostTokens', 'doubleSpends', 'familiesRevoked', 'falseReconsents', 'silentDeaths'] as const;
/** More than a person reads; the counts go on. */
const failuresMax = 200;

export interface Tally {
  /** Cases of which the fault was seen to fire. */
  readonly tried: number;
  readonly failures: readonly Failure[];
  begin(what: 'pairs'): void;
  add(tried: Case, end: CaseEnd): void;
  fail(tried: Case, property: string, what: string): void;
  result(): SuiteResult;
}

interface Row {
  crashPoints: number;
  pairs: number;
  lost: number;
  windowLosses: number;
  finishedByRecovery: number;
  secondTriesWon: number;
  persons: number;
}

export function createTally(): Tally {
  const counts = new Map<string, number>(properties.map((property) => [property, 0]));
  const rows = new Map<Mode, Row>(
    modes.map((mode) => [
      mode,
      {
        crashPoints: 0,
        pairs: 0,
        lost: 0,
        windowLosses: 0,
        finishedByRecovery: 0,
        secondTriesWon: 0,
        persons: 0,
      },
    ]),
  );
  const failures: Failure[] = [];
  let fromMirror = 0;
  let kind: 'crashPoints' | 'pairs' = 'crashPoints';
  const sum = (of: (row: Row) => number) => [...rows.values()].reduce((total, row) => total + of(row), 0);

  function fail(tried: Case, property: string, what: string): void {
    const counted = properties.find((one) => one === property) ?? 'other';
    counts.set(counted, (counts.get(counted) ?? 0) + 1);
    if (failures.length >= failuresMax) return;
    const replay = `node test/faults/main.ts --only crash-points --replay ${caseText(tried)}`;
    failures.push({ property: counted, what: counted === 'other' ? `${property}: ${what}` : what, replay });
  }

  return {
    get tried() {
      return sum(({ crashPoints, pairs }) => crashPoints + pairs);
    },
    failures,
    begin: (what) => {
      kind = what;
    },
    fail,
    add(tried, end) {
      const row = rows.get(tried.mode);
      if (row === undefined) throw new Error(`no row for ${tried.mode}`);
      if (end.fired === tried.faults.length) row[kind] += 1;
      else fail(tried, 'other', `${end.fired} of ${tried.faults.length} faults fired`);
      row.windowLosses += end.windowLosses;
      row.finishedByRecovery += end.finishedByRecovery;
      row.secondTriesWon += end.secondTriesWon;
      row.persons += end.persons;
      if (tried.recovery === 'other') fromMirror += end.finishedByRecovery;
      // One case breaks a property once, whatever follows from it.
      for (const property of new Set(end.broken.map((one) => one.property))) {
        const what = end.broken.filter((one) => one.property === property).map((one) => one.what);
        if (property === 'lostTokens') row.lost += 1;
        fail(tried, property, what.join('; '));
      }
    },
    result: () => ({
      counts: {
        crashPoints: sum(({ crashPoints }) => crashPoints),
        pairs: sum(({ pairs }) => pairs),
        ...Object.fromEntries(counts),
        windowLosses: sum(({ windowLosses }) => windowLosses),
      },
      rareStates: {
        'a stated loss is seen': { reached: sum(({ windowLosses }) => windowLosses), wanted: 1 },
        'a second try brings the lost answer': { reached: sum(({ secondTriesWon }) => secondTriesWon), wanted: 1 },
        'recovery finishes a record': { reached: sum(({ finishedByRecovery }) => finishedByRecovery), wanted: 1 },
        'recovery finishes a record from the mirror alone': { reached: fromMirror, wanted: 1 },
        'a person is needed': { reached: sum(({ persons }) => persons), wanted: 1 },
      },
      failures,
      table: [
        '| provider | crash points | pairs | lost | in the stated window | finished by recovery | second tries won |',
        '|---|---|---|---|---|---|---|',
        ...[...rows].map(
          ([mode, row]) =>
            `| ${mode} | ${row.crashPoints} | ${row.pairs} | ${row.lost} | ${row.windowLosses} | ${row.finishedByRecovery} | ${row.secondTriesWon} |`,
        ),
      ],
    }),
  };
}
