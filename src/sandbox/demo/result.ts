/** The end of the demo, as one JSON object and as a page of text. Both say the same. */
import { describeReason } from '../../connection/words.ts';
import { dayMs } from './calendar.ts';
import type { Facts } from './facts.ts';
import type { Verdict } from './judge.ts';
import type { Paint } from './paint.ts';

export interface RunFacts {
  readonly seed: number;
  readonly days: number;
  readonly startAt: number;
  /** Real time it took, ms. */
  readonly tookMs: number;
  readonly storeWrites: number;
  readonly storeThrottled: number;
  /** What on-call heard of, and heard the end of. */
  readonly incidents: { readonly opened: number; readonly ended: number };
}

/** The day of the run an instant lies in, from 1. */
export function dayOf(at: number, startAt: number): number {
  return Math.max(Math.floor((at - startAt) / dayMs), 0) + 1;
}

export function resultJson(run: RunFacts, facts: Facts, verdict: Verdict): Record<string, unknown> {
  return {
    seed: run.seed,
    days: run.days,
    connections: facts.members.length,
    held: verdict.held,
    refreshed: facts.refreshed,
    flagged: facts.flagged.map(({ connection, provider, reason, at, cleared }) => ({
      connection,
      provider,
      reason,
      meaning: describeReason(reason).meaning,
      day: dayOf(at, run.startAt),
      at: new Date(at).toISOString(),
      reconsented: cleared,
    })),
    wronglyFlagged: verdict.wronglyFlagged.length,
    lostTokens: verdict.lostTokens.length,
    doubleSpends: verdict.doubleSpends.length,
    diedUnnoticed: verdict.diedUnnoticed.length,
    secondTries: facts.secondTries,
    crossedSpends: facts.crossedSpends,
    applicationRefreshes: facts.applicationRefreshes,
    storeWrites: run.storeWrites,
    storeThrottled: run.storeThrottled,
    incidents: run.incidents,
    happened: Object.fromEntries(facts.struck.map(({ name, times }) => [name, times])),
    met: facts.met,
    invariants: verdict.invariants,
    scenarios: verdict.scenarios,
    tookSeconds: Math.round(run.tookMs / 1_000),
  };
}

export function summaryLines(run: RunFacts, facts: Facts, verdict: Verdict, paint: Paint): string[] {
  const refreshed = Object.entries(facts.refreshed);
  const total = refreshed.reduce((sum, [, count]) => sum + count, 0);
  const seconds = Math.round(run.tookMs / 1_000);
  return [
    '',
    paint.bold(`${run.days} days in ${seconds} seconds, ${facts.members.length} connections, seed ${run.seed}`),
    '',
    `Refreshed ${total} times`,
    ...refreshed.map(([provider, count]) => `  ${provider.padEnd(24)} ${String(count).padStart(4)}`),
    '',
    `Flagged for a new consent: ${facts.flagged.length}`,
    ...facts.flagged.map((one) => {
      const again = one.cleared ? ' (authorised again since)' : '';
      const words = `${one.reason}: ${describeReason(one.reason).meaning}${again}`;
      return `  ${paint.warn(one.connection)}  day ${dayOf(one.at, run.startAt)}, ${words}`;
    }),
    '',
    `On-call heard of ${run.incidents.opened} incidents, and of the end of ${run.incidents.ended}`,
    '',
    'Judged by the providers, who know which token is live',
    ...countLines(facts, verdict, paint),
    '',
    ...verdict.invariants.map(({ name, held }) => `  ${held ? paint.good('held  ') : paint.bad('BROKEN')}  ${name}`),
    ...brokenLines(verdict, paint),
    '',
    verdict.held ? paint.good('Every invariant held.') : paint.bad('Not every invariant held.'),
  ];
}

function countLines(facts: Facts, verdict: Verdict, paint: Paint): string[] {
  const zero = (words: string, list: readonly string[]) =>
    `  ${words.padEnd(44)} ${list.length === 0 ? paint.good('0') : paint.bad(String(list.length))}`;
  const plain = (words: string, count: number) => `  ${words.padEnd(44)} ${count}`;
  return [
    zero('died unnoticed', verdict.diedUnnoticed),
    zero('tokens lost', verdict.lostTokens),
    zero('tokens spent twice', verdict.doubleSpends),
    zero('wrongly flagged', verdict.wronglyFlagged),
    plain('refreshed by an application itself', facts.applicationRefreshes),
    plain('second tries after an answer that never came', facts.secondTries),
  ];
}

function brokenLines({ invariants }: Verdict, paint: Paint): string[] {
  const broken = invariants.filter(({ held }) => !held);
  return broken.flatMap(({ name, broken: who }) => ['', paint.bad(name), ...who.map((one) => `  ${one}`)]);
}
