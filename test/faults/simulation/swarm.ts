/**
 * What one seed's world is like: which provider, who else is there, and which kinds of faults there are at all. Each seed
 * has a subset of its own, because faults that always come together hide what one of them does alone.
 */
import { createDice, type Dice, seedOf } from '../sim/dice.ts';
import { grantModes, type ModeName } from '../sim/provider-modes.ts';

export const minute = 60_000;
export const hour = 3_600_000;
export const day = 86_400_000;

export type Application = 'none' | 'saver' | 'slowSaver' | 'refresher';

export interface Swarm {
  readonly seed: number;
  readonly mode: ModeName;
  readonly days: number;
  readonly connections: number;
  /** `pilotlight:refresh-every` on all connections; 0: none, a third of the idle window. */
  readonly refreshEveryDays: number;
  readonly application: Application;
  /** Consents again when asked to. */
  readonly human: boolean;
  /** Consents again for no reason, sometimes in the middle of a rotation. */
  readonly whims: boolean;
  readonly revokes: boolean;
  /** Share of the calls near a token that meet a fault; of all others a tenth of it. */
  readonly faultShare: number;
  readonly crashes: boolean;
  readonly errors: boolean;
  readonly hangs: boolean;
  readonly duplicates: boolean;
  /** A process that dies may take its disk with it. */
  readonly diskLoss: boolean;
  readonly diskFaults: boolean;
  readonly stops: boolean;
  readonly redisLoss: boolean;
  readonly redisOutages: boolean;
  readonly storeOutages: boolean;
  readonly listLagMs: number;
  readonly providerTroubles: number;
  readonly providerOutages: boolean;
  readonly wrongSecret: 'never' | 'invalid_client' | 'invalid_grant';
  readonly clockJumps: boolean;
  readonly duplicateJobs: boolean;
}

const modeNames = Object.keys(grantModes) as ModeName[];

export function swarmOf(seed: number): Swarm {
  const dice = createDice(seedOf(seed, 'swarm'));
  const half = () => dice.chance(0.5);
  const some = () => dice.chance(0.3);
  return {
    seed,
    mode: dice.oneOf(modeNames),
    days: 60 + dice.below(60),
    connections: 2 + dice.below(3),
    refreshEveryDays: dice.oneOf([0, 2, 4, 7]),
    application: dice.oneOf<Application>(['none', 'none', 'saver', 'slowSaver', 'refresher']),
    human: dice.chance(0.8),
    whims: some(),
    revokes: some(),
    faultShare: dice.oneOf([0, 0.003, 0.01, 0.03]),
    crashes: half(),
    errors: half(),
    hangs: half(),
    duplicates: some(),
    diskLoss: some(),
    diskFaults: some(),
    stops: some(),
    redisLoss: some(),
    redisOutages: some(),
    storeOutages: half(),
    listLagMs: dice.oneOf([0, 0, 5 * minute]),
    providerTroubles: dice.oneOf([0, 0, 0.05, 0.2]),
    providerOutages: some(),
    wrongSecret: dice.oneOf(['never', 'never', 'invalid_client', 'invalid_grant']),
    clockJumps: some(),
    duplicateJobs: some(),
  };
}

/** Only what is there, for a person. */
export function swarmText(swarm: Swarm): string {
  return Object.entries(swarm)
    .filter(
      ([, value]) => value !== false && value !== undefined && value !== 0 && value !== 'never' && value !== 'none',
    )
    .map(([name, value]) => (value === true ? name : `${name}=${value}`))
    .join(' ');
}

/** Waiting times without memory: short ones often, long ones now and then. */
export function waitMs(dice: Dice, meanMs: number): number {
  return Math.ceil(-Math.log(1 - dice.fraction()) * meanMs);
}

/** Between two lengths, each order of magnitude as likely as another. */
export function lengthMs(dice: Dice, fromMs: number, toMs: number): number {
  return Math.ceil(fromMs * (toMs / fromMs) ** dice.fraction());
}
