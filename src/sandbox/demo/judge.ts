/**
 * The verdict: a pure function of the facts. Each invariant either held or names who broke it; each connection's fate is
 * compared with what became of it; and whatever was to go wrong must have gone wrong, or the run has shown nothing.
 */
import type { Fate } from './cast.ts';
import type { Facts, MemberFacts } from './facts.ts';

export interface Finding {
  readonly name: string;
  readonly held: boolean;
  /** Who or what broke it. */
  readonly broken: readonly string[];
}

export interface ScenarioResult {
  readonly connection: string;
  readonly provider: string;
  readonly scenario: string;
  readonly expected: string;
  readonly actual: string;
  readonly held: boolean;
}

export interface Verdict {
  readonly held: boolean;
  readonly lostTokens: readonly string[];
  readonly doubleSpends: readonly string[];
  readonly diedUnnoticed: readonly string[];
  readonly wronglyFlagged: readonly string[];
  readonly invariants: readonly Finding[];
  readonly scenarios: readonly ScenarioResult[];
}

/** What must become of each fate, in words. */
export const expectations: Readonly<Record<Fate, string>> = {
  lives: 'lives, its live token stored',
  expires: 'told ahead, then flagged expired',
  refused: 'flagged invalid_grant',
  returns: 'flagged invalid_grant, alive again after the new consent',
  gone: 'left the index',
  unusable: 'shown as invalid, never posted, untouched',
};

export function judge(facts: Facts): Verdict {
  const { members } = facts;
  const names = (which: (member: MemberFacts) => boolean) => members.filter(which).map(({ connection }) => connection);
  const lostTokens = names((one) => one.fate !== 'gone' && one.alive && !one.liveTokenStored && !one.sealed);
  const silent = names((one) => one.fate !== 'gone' && one.death !== undefined && one.told === undefined);
  const diedUnnoticed = [...new Set([...facts.unnoticed, ...silent])];
  const { doubleSpends, wronglyFlagged } = facts;
  const scenarios = members.map((member) => outcomeOf(member, facts));
  const invariants: Finding[] = [
    finding('no token lost', lostTokens),
    finding('no token spent twice', doubleSpends),
    finding('nobody wrongly asked for a new consent', wronglyFlagged),
    finding('no connection died unnoticed', diedUnnoticed),
    finding(
      'every new token reached the store',
      names(({ sealed }) => sealed),
    ),
    finding(
      'the customers’ own fields survived',
      names((one) => !one.customersFieldsKept),
    ),
    finding(
      'every connection with a life to prolong was refreshed',
      names((one) => (one.fate === 'lives' || one.fate === 'returns') && one.refreshes === 0),
    ),
    finding('the breaker of the client with the wrong secret opened', facts.breakersOpened > 0 ? [] : ['no breaker']),
    finding('everything that was to happen happened', missed(facts)),
    finding(
      'every connection met its expected fate',
      scenarios.filter(({ held }) => !held).map(({ connection, actual }) => `${connection}: ${actual}`),
    ),
  ];
  const held = invariants.every((one) => one.held);
  return { held, lostTokens, doubleSpends, diedUnnoticed, wronglyFlagged, invariants, scenarios };
}

function finding(name: string, broken: readonly string[]): Finding {
  return { name, held: broken.length === 0, broken };
}

function missed({ struck, met }: Facts): string[] {
  const silent = struck.filter(({ times }) => times === 0).map(({ name }) => name);
  return [...silent, ...Object.keys(met).filter((name) => met[name] === 0)];
}

function outcomeOf(member: MemberFacts, { flagged }: Facts): ScenarioResult {
  const { connection, provider, part: scenario, fate } = member;
  const everFlagged = flagged.filter((one) => one.connection === connection).map(({ reason }) => reason);
  const about = { connection, provider, scenario, expected: expectations[fate] };
  return { ...about, actual: inWords(member), held: isMet(member, everFlagged) };
}

function isMet(member: MemberFacts, everFlagged: readonly string[]): boolean {
  const { alive, liveTokenStored, flag, death } = member;
  switch (member.fate) {
    case 'lives':
      return alive && liveTokenStored && everFlagged.length === 0;
    case 'expires':
      return death?.why === 'expired_absolute' && flag === 'expired' && member.told !== 'flagged expired';
    case 'refused':
      return death !== undefined && flag === 'invalid_grant';
    case 'returns':
      return alive && liveTokenStored && flag === undefined && everFlagged.join() === 'invalid_grant';
    case 'gone':
      return member.state === undefined;
    case 'unusable':
      return member.state === 'invalid' && member.presented === 0;
    default:
      return member.fate satisfies never;
  }
}

/** What became of it. */
function inWords({ alive, liveTokenStored, flag, death, state, told, refreshes }: MemberFacts): string {
  const life = alive ? `alive, live token ${liveTokenStored ? 'stored' : 'NOT stored'}` : (death?.why ?? 'no consent');
  return [
    life,
    `refreshed ${refreshes} times`,
    ...(flag === undefined ? [] : [`flagged ${flag}`]),
    ...(told === undefined ? [] : [`first told: ${told}`]),
    state === undefined ? 'not in the index' : `index: ${state}`,
  ].join('; ');
}
