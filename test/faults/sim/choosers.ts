/** Who decides: a seed, a list of faults at known places, or a sequence of choices that is replayed and then explored. */
import { createDice, type Dice } from './dice.ts';
import { type Fate, fine } from './fate.ts';
import { type Chooser, letTimePass, type PendingCall } from './kernel.ts';

/** Each call takes this long unless a chooser says otherwise: instants tell apart what happened one after the other. */
const callMs = 1;

export interface SeededOptions {
  readonly seed: number;
  /** How long a call is on its way, ms. */
  readonly latencyMs?: (call: PendingCall, dice: Dice) => number;
  /** What becomes of a call. */
  readonly fate?: (call: PendingCall, dice: Dice, step: number) => Fate;
}

/** Any order, by a seed; delays and faults as a plan draws them from the same dice. */
export function seededChooser({ seed, latencyMs, fate }: SeededOptions): Chooser {
  const dice = createDice(seed);
  return {
    latencyMs: (call) => latencyMs?.(call, dice) ?? callMs,
    pick: (ready) => (ready.length === 1 ? 0 : dice.below(ready.length)),
    fate: (call, step) => fate?.(call, dice, step) ?? fine,
  };
}

export interface ScriptedFault {
  /** The call that meets it, counted from 0 over all actors in the order they have their turn. */
  readonly step: number;
  readonly fate: Fate;
}

export interface ScriptedChooser extends Chooser {
  /** Calls that met their fault, in order. */
  readonly fired: readonly PendingCall[];
}

/** First come, first served; what is listed goes wrong and nothing else. */
export function scriptedChooser(faults: readonly ScriptedFault[]): ScriptedChooser {
  const at = new Map(faults.map(({ step, fate }) => [step, fate]));
  const fired: PendingCall[] = [];
  return {
    fired,
    latencyMs: () => callMs,
    pick: () => 0,
    fate(call, step) {
      const fate = at.get(step);
      if (fate === undefined) return fine;
      fired.push(call);
      return fate;
    },
  };
}

/** Answers a place below `count`; a choice among one is none. */
export type Choose = (count: number) => number;

export interface ChoiceSequence {
  readonly choose: Choose;
  /** What was chosen, and among how many, so far. */
  readonly chosen: readonly number[];
  readonly arities: readonly number[];
}

/** Replays the choices given, then takes the first of everything, and keeps account of what else there was. */
export function choiceSequence(prefix: readonly number[]): ChoiceSequence {
  const chosen: number[] = [];
  const arities: number[] = [];
  return {
    chosen,
    arities,
    choose(count) {
      if (count <= 1) return 0;
      const choice = prefix[chosen.length] ?? 0;
      if (choice >= count) throw new Error(`choice ${choice} of ${count}: the run is not the one recorded`);
      chosen.push(choice);
      arities.push(count);
      return choice;
    },
  };
}

/** The next sequence in order after the one made; undefined when it was the last. */
export function nextSequence({ chosen, arities }: ChoiceSequence): number[] | undefined {
  for (let place = chosen.length - 1; place >= 0; place--) {
    const choice = (chosen[place] ?? 0) + 1;
    if (choice < (arities[place] ?? 0)) return [...chosen.slice(0, place), choice];
  }
  return undefined;
}

export interface SequenceOptions {
  readonly choose: Choose;
  /** Everything that may become of a call here, the usual first; called once for each call that has its turn. */
  readonly fates: (call: PendingCall, step: number) => readonly Fate[];
  /** Whether a wait may end while calls could go on. */
  readonly mayWait?: (ready: readonly PendingCall[]) => boolean;
}

/** Every choice there is, by a sequence: whose turn it is, and what becomes of the call. */
export function sequenceChooser({ choose, fates, mayWait }: SequenceOptions): Chooser {
  return {
    latencyMs: () => 0,
    pick(ready, waits) {
      const withTime = waits && mayWait?.(ready) === true;
      const choice = choose(ready.length + (withTime ? 1 : 0));
      return choice === ready.length ? letTimePass : choice;
    },
    fate(call, step) {
      const all = fates(call, step);
      return all[choose(all.length)] ?? fine;
    },
  };
}
