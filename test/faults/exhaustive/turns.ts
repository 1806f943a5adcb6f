/**
 * Every choice there is in a state: whose call has its turn and what becomes of it, or what befalls the world. Much is
 * left out because it comes to the same as something that is not:
 *
 * - A call that commutes with whatever any other actor may do, and moves no token out of a place, has its turn at once.
 * - What a foreigner reads only a write of AWSCURRENT can change: it has its turn right after one, or as soon as it can.
 *   What a foreigner does otherwise only a call that looks at store or provider can tell: it has its turn before one.
 * - A crash before a call leaves what a crash after the call before it leaves, and so does one after a call that only
 *   reads.
 * - What begins with the second worker is what begins with the first, with the names exchanged.
 *
 * And it is bounded: faults, and turns taken from a worker that could go on and given to the other, each cost one of a few.
 */
import { type Fate, fine } from '../sim/fate.ts';
import { type Chooser, letTimePass, type PendingCall } from '../sim/kernel.ts';
import type { RunChoices } from './search.ts';
import type { SmallWorld } from './world.ts';

type Befalling = 'lease.lost' | 'redis.flush';

type Turn =
  | { readonly kind: 'call'; readonly place: number; readonly fate: Fate; readonly costs: number }
  | { readonly kind: 'befall'; readonly what: Befalling; readonly costs: 1 }
  /** Whoever is ready waits, until somebody's pause is over. */
  | { readonly kind: 'wait'; readonly costs: 0 };

export interface Bounds {
  readonly faultsMax: number;
  /** Faults, and turns taken from a worker that could go on, together. */
  readonly deviationsMax: number;
  /** Calls of Redis's hints (index, clients) give no turn away: what they say may be lost at any time anyway. */
  readonly hintsAreLocal: boolean;
  /** A foreigner's turns whenever there can be one, to see that those left out lead nowhere else. */
  readonly foreignAnyTime?: boolean;
}

/**
 * Of a worker's own disk, and of nobody else's while it lives (taking a file away is looked at by everybody); the client's
 * secret, which nobody writes; who else holds a token, which is nobody where there is one connection; and an answer on
 * its way to a foreigner.
 */
const local =
  /^[ab]\.\d+ (?:disk\.(?:names|create|reopen|read|write) |store\.read clients\/|index\.holderOf )|^app provider\.answer /;
const hints = /^[ab]\.\d+ (?:index|clients)\./;

/** A foreigner's own look at the secret; what moves AWSCURRENT; and who can tell that a foreigner has done something. */
const foreignRead = /^app store\.read /;
const movesCurrent = /^(?:[ab]\.\d+ store\.moveStage AWSCURRENT |app store\.put )/;
const looks = /^[ab]\.\d+ (?:store\.|provider\.request |disk\.remove |mirror\.drop )/;
const onlyReads =
  /^(?:disk\.(?:names|read|reopen)|store\.(?:read|describe|versions)|index\.(?:get|getMany|holderOf)|clients\.health|lease\.stillOurs|mirror\.(?:of|connections))$/;

const textOf = ({ actor, name, about }: PendingCall) => `${actor} ${name} ${about}`;

const crashAfter: Fate = { kind: 'crashAfter' };
const errorAfter: Fate = { kind: 'errorAfter' };
const torn: Fate = { kind: 'crashTorn', fraction: 0.5 };

function faultsOf({ name, tearable }: PendingCall): readonly Fate[] {
  if (onlyReads.test(name)) return [errorAfter];
  return tearable ? [crashAfter, errorAfter, torn] : [crashAfter, errorAfter];
}

/** Thrown where a run comes to a state that was seen: nothing after it is new. */
export const cut = new Error('seen before');

export interface Turns extends Chooser {
  /** While true nothing goes wrong, and who came first goes first: before the choices begin, and after them. */
  calm: boolean;
  /** How often each fault was met. */
  readonly met: ReadonlyMap<string, number>;
  /** What was chosen of all there was, the bounds set aside: the same in a run with other bounds. */
  readonly taken: readonly number[];
}

export function createTurns(choices: RunChoices, bounds: Bounds, world: () => SmallWorld): Turns {
  let faultsLeft = bounds.faultsMax;
  let left = bounds.deviationsMax;
  let calm = true;
  let fate: Fate = fine;
  /** The worker that had its turn last. The first is `a`: what begins with `b` is the same with the names exchanged. */
  let going = 'a.1';
  const met = new Map<string, number>();
  const taken: number[] = [];
  /** Nobody has a turn before. */
  let waitUntil = 0;
  /** The last call that anybody else can tell of moved AWSCURRENT or was a foreigner's own, or there was none yet. */
  let readsAnew = true;

  const isLocal = (call: PendingCall) => local.test(textOf(call)) || (bounds.hintsAreLocal && hints.test(textOf(call)));

  /** Whose turn can make a difference now. */
  function placesOf(ready: readonly PendingCall[]): readonly number[] {
    const alone = ready.findIndex(isLocal);
    if (alone >= 0) return [alone];
    const working = ready.filter(({ actor }) => world().isWorker(actor));
    const looked = working.length === 0 || working.some((call) => looks.test(textOf(call)));
    return ready.flatMap((call, place) => {
      if (world().isWorker(call.actor) || working.length === 0 || bounds.foreignAnyTime) return [place];
      return (foreignRead.test(textOf(call)) ? readsAnew : looked) ? [place] : [];
    });
  }

  /** Everything that may happen now, were there no bounds. */
  function turnsOf(ready: readonly PendingCall[], waits: boolean): readonly Turn[] {
    const alone = ready.some(isLocal);
    const canGoOn = ready.some(({ actor }) => actor === going);
    const turns: Turn[] = [];
    const faulty: Turn[] = [];
    for (const place of placesOf(ready)) {
      const call = ready[place];
      if (call === undefined) continue;
      const works = world().isWorker(call.actor);
      const costs = works && !alone && canGoOn && call.actor !== going ? 1 : 0;
      turns.push({ kind: 'call', place, fate: fine, costs });
      if (!works) continue;
      for (const fault of faultsOf(call)) faulty.push({ kind: 'call', place, fate: fault, costs: costs + 1 });
    }
    turns.push(...faulty);
    if (alone) return turns;
    if (world().leaseHeld()) turns.push({ kind: 'befall', what: 'lease.lost', costs: 1 });
    turns.push({ kind: 'befall', what: 'redis.flush', costs: 1 });
    if (waits && !ready.some(({ actor }) => world().isWorker(actor))) turns.push({ kind: 'wait', costs: 0 });
    return turns;
  }

  const faultOf = (turn: Turn) => {
    if (turn.kind === 'befall') return turn.what;
    return turn.kind === 'call' && turn.fate !== fine ? turn.fate.kind : undefined;
  };

  function choose(ready: readonly PendingCall[], waits: boolean): Turn {
    const all = turnsOf(ready, waits);
    const within = all.filter((turn) => turn.costs <= left && (faultsLeft > 0 || faultOf(turn) === undefined));
    const state = () => ({ key: `${world().key()} ${going} ${faultsLeft} ${readsAnew}`, spare: left });
    const choice = within.length === 1 ? 0 : choices.choose(within.length, state);
    const turn = choice === undefined ? undefined : within[choice];
    if (turn === undefined) throw cut;
    if (all.length > 1) taken.push(all.indexOf(turn));
    left -= turn.costs;
    const fault = faultOf(turn);
    if (fault !== undefined) {
      faultsLeft -= 1;
      met.set(fault, (met.get(fault) ?? 0) + 1);
    }
    return turn;
  }

  return {
    met,
    taken,
    get calm() {
      return calm;
    },
    set calm(on) {
      calm = on;
    },
    latencyMs: () => 0,
    pick(ready, waits) {
      fate = fine;
      if (calm) return ready.length > 0 ? 0 : letTimePass;
      if (waitUntil > world().kernel.monotonic()) return letTimePass;
      for (;;) {
        const turn = choose(ready, waits);
        if (turn.kind === 'wait') return letTimePass;
        if (turn.kind === 'befall') {
          waitUntil = world().befall(turn.what);
          if (waitUntil > world().kernel.monotonic()) return letTimePass;
          continue;
        }
        fate = turn.fate;
        const call = ready[turn.place];
        if (call !== undefined && !isLocal(call)) {
          readsAnew = movesCurrent.test(textOf(call)) || !world().isWorker(call.actor);
          if (world().isWorker(call.actor)) going = call.actor;
        }
        return turn.place;
      }
    },
    fate: () => fate,
  };
}
