/**
 * The simulator's heart: every port call of every actor waits here until the chooser says which goes next and what becomes
 * of it. Between two steps all that follows from the first has run, so that nothing but the chooser's word decides the
 * order. Time is virtual and passes only where nobody can go on without it. The same choices give the same trace.
 */
import type { Clock } from '../../../src/runtime/clock.ts';
import type { PortCall } from './call.ts';
import { createDice, seedOf } from './dice.ts';
import { type Fate, type FateKind, fateText } from './fate.ts';
import type { Actor, Kernel, KernelEvent, KernelOptions, PendingCall } from './kernel-types.ts';
import { createTimers } from './timers.ts';
import { createTrace } from './trace.ts';

export type * from './kernel-types.ts';

/** A chooser's word for: nobody goes on, somebody's wait is to end first. */
export const letTimePass = -1;

/** One life, as the kernel keeps it. */
interface Life {
  readonly name: string;
  alive: boolean;
  stoppedUntil: number;
  calls: number;
}

interface Waiting extends PendingCall {
  readonly life: Life;
  readonly call: PortCall<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly readyAt: number;
  /** Its caller has given it up; it goes on without one. */
  abandoned: boolean;
}

const never: Promise<never> = new Promise(() => {});

/** A world in which nothing has happened yet. */
export function createKernel(options: KernelOptions): Kernel {
  const { chooser, startAt, seed = 0 } = options;
  const timers = createTimers();
  const lives = new Map<string, Life>();
  const listeners: ((event: KernelEvent) => void)[] = [];
  const fates = new Map<FateKind, number>();
  const trace = createTrace(options.traceLinesMax ?? 20_000);
  let pending: Waiting[] = [];
  let monotonic = 0;
  let turned = 0;
  let steps = 0;

  function kill(life: Life): void {
    life.alive = false;
    pending = pending.filter((waiting) => waiting.life !== life);
    timers.dropOf(life);
  }

  /** Gives a caller what it is to hear, as soon as it can hear anything. */
  function tell(life: Life, act: () => void): void {
    if (!life.alive) return;
    if (life.stoppedUntil > monotonic) timers.add(life.stoppedUntil, () => tell(life, act), life);
    else act();
  }

  function settle(waiting: Waiting, make: () => unknown): void {
    if (waiting.abandoned) return;
    waiting.abandoned = true;
    tell(waiting.life, () => {
      try {
        waiting.resolve(make());
      } catch (error) {
        waiting.reject(error);
      }
    });
  }

  function made<T>(life: Life, call: PortCall<T>): Promise<T> {
    if (!life.alive) return never;
    return new Promise<T>((resolve, reject) => {
      const about = {
        actor: life.name,
        name: call.name,
        about: call.about ?? '',
        nth: life.calls++,
        tearable: call.torn !== undefined,
        madeAt: monotonic,
      };
      const latencyMs = chooser.latencyMs(about);
      const waiting: Waiting = {
        ...about,
        life,
        call,
        resolve: resolve as (value: unknown) => void,
        reject,
        readyAt: monotonic + latencyMs,
        abandoned: false,
      };
      pending.push(waiting);
      if (latencyMs > call.limitMs) timers.add(monotonic + call.limitMs, () => settle(waiting, call.failed), life);
    });
  }

  /** The effect, once; what it answers or throws is for whoever made the call. */
  function effectOf({ call }: Waiting): () => unknown {
    try {
      const value = call.effect();
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  function meet(waiting: Waiting, fate: Fate): 0 | 1 | 2 {
    const { call, life } = waiting;
    const giveUp = () => settle(waiting, call.failed);
    const tellLater = (what: () => unknown, ms: number) => {
      if (ms !== Number.POSITIVE_INFINITY) timers.add(monotonic + ms, () => settle(waiting, what), life);
    };
    switch (fate.kind) {
      case 'ok': {
        const answer = effectOf(waiting);
        settle(waiting, answer);
        return 1;
      }
      case 'slow': {
        const answer = effectOf(waiting);
        const late = (fate.ms ?? 0) >= call.limitMs;
        tellLater(late ? call.failed : answer, Math.min(fate.ms ?? 0, call.limitMs));
        return 1;
      }
      case 'crashBefore':
        kill(life);
        return 0;
      case 'crashAfter':
        effectOf(waiting);
        kill(life);
        return 1;
      case 'crashTorn':
        if (call.torn === undefined) effectOf(waiting);
        else call.torn(fate.fraction ?? 0);
        kill(life);
        return 1;
      case 'crashLate':
        kill(life);
        later(waiting, fate.ms ?? 0);
        return 0;
      case 'errorBefore':
        giveUp();
        return 0;
      case 'errorAfter':
        effectOf(waiting);
        giveUp();
        return 1;
      case 'hangBefore':
      case 'hangAfter': {
        const effects = fate.kind === 'hangAfter' ? 1 : 0;
        if (effects === 1) effectOf(waiting);
        tellLater(call.failed, call.limitMs);
        return effects;
      }
      case 'hangLate':
        tellLater(call.failed, call.limitMs);
        later(waiting, fate.ms ?? 0);
        return 0;
      case 'duplicate': {
        const answer = effectOf(waiting);
        effectOf(waiting);
        settle(waiting, answer);
        return 2;
      }
      default:
        return fate.kind satisfies never;
    }
  }

  function later(waiting: Waiting, ms: number): void {
    timers.add(monotonic + ms, () => {
      effectOf(waiting);
      happened(waiting, 'ok', 1);
    });
  }

  function happened({ actor, name, about }: PendingCall, fate: FateKind, effects: 0 | 1 | 2): void {
    for (const listener of listeners) listener({ step: steps, actor, name, about, fate, effects });
  }

  /** Lets one call have its turn. */
  function take(waiting: Waiting): void {
    pending.splice(pending.indexOf(waiting), 1);
    const fate = waiting.abandoned ? ({ kind: 'ok' } as const) : chooser.fate(waiting, steps);
    fates.set(fate.kind, (fates.get(fate.kind) ?? 0) + 1);
    trace.add(steps, monotonic, waiting, fateText(fate));
    const effects = meet(waiting, fate);
    happened(waiting, fate.kind, effects);
    steps += 1;
  }

  /** One thing happens, or time goes on to where one can, but not beyond `endAt`. */
  function step(endAt: number): 'went' | 'idle' | 'time' {
    const dueAt = timers.nextAt();
    if (dueAt <= monotonic) {
      timers.take()();
      return 'went';
    }
    const ready = pending.filter(({ readyAt }) => readyAt <= monotonic);
    if (ready.length > 0) {
      const place = chooser.pick(ready, dueAt !== Number.POSITIVE_INFINITY);
      const chosen = ready[place];
      if (chosen !== undefined) {
        take(chosen);
        return 'went';
      }
      if (place !== letTimePass) throw new Error(`no call at place ${place} of ${ready.length}`);
    }
    let nextAt = dueAt;
    for (const { readyAt } of pending) if (readyAt > monotonic && readyAt < nextAt) nextAt = readyAt;
    if (nextAt === Number.POSITIVE_INFINITY && endAt === nextAt) return 'idle';
    if (nextAt > endAt) {
      monotonic = endAt;
      return 'time';
    }
    monotonic = nextAt;
    return 'went';
  }

  function clockOf(life: Life, actor: () => Actor): Clock {
    return {
      now: () => startAt + monotonic + turned + actor().skewMs,
      monotonic: () => monotonic,
      sleep: (ms, signal) =>
        new Promise((wake, fail) => {
          if (signal?.aborted === true) return fail(signal.reason);
          const onAbort = () => {
            cancel();
            fail(signal?.reason);
          };
          const cancel = timers.add(
            monotonic + Math.max(ms, 0),
            () =>
              tell(life, () => {
                signal?.removeEventListener('abort', onAbort);
                wake();
              }),
            life,
          );
          signal?.addEventListener('abort', onAbort, { once: true });
        }),
    };
  }

  return {
    spawn(name) {
      if (lives.has(name)) throw new Error(`somebody was called ${name} before`);
      const life: Life = { name, alive: true, stoppedUntil: 0, calls: 0 };
      lives.set(name, life);
      const actor: Actor = {
        name,
        calls: (call) => made(life, call),
        clock: clockOf(life, () => actor),
        random: createDice(seedOf(seed, name)).random,
        get alive() {
          return life.alive;
        },
        get stopped() {
          return life.stoppedUntil > monotonic;
        },
        skewMs: 0,
        kill() {
          if (!life.alive) return;
          kill(life);
          happened({ actor: name, name: 'kill', about: '', nth: 0, tearable: false, madeAt: monotonic }, 'ok', 0);
        },
        stop: (ms) => {
          life.stoppedUntil = Math.max(life.stoppedUntil, monotonic + ms);
        },
      };
      return actor;
    },
    isAlive: (name) => lives.get(name)?.alive === true,
    async run({ until, forMs = Number.POSITIVE_INFINITY, stepsMax = Number.POSITIVE_INFINITY } = {}) {
      const endAt = monotonic + forMs;
      const stepsEnd = steps + stepsMax;
      for (;;) {
        await allThatFollows();
        if (until?.() === true) return 'until';
        if (steps >= stepsEnd) return 'steps';
        const came = step(endAt);
        if (came !== 'went') return came;
      }
    },
    monotonic: () => monotonic,
    now: () => startAt + monotonic + turned,
    turnCalendar: (ms) => {
      turned += ms;
    },
    after: (ms, act) => void timers.add(monotonic + ms, act),
    onEvent: (listener) => void listeners.push(listener),
    get steps() {
      return steps;
    },
    fates,
    trace,
    get pending() {
      return pending;
    },
  };
}

/** Every promise that can settle has, and all that waited for it has run: Node empties its microtasks before the next turn. */
function allThatFollows(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
