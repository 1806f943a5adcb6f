/** What the simulator's kernel, its choosers and its actors know of each other. */
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Random } from '../../../src/runtime/random.ts';
import type { Calls } from './call.ts';
import type { Fate, FateKind } from './fate.ts';
import type { Trace } from './trace.ts';

/** A call that waits for its turn. */
export interface PendingCall {
  readonly actor: string;
  /** Port and operation, as the port named it. */
  readonly name: string;
  readonly about: string;
  /** How many calls of this actor were made before it. */
  readonly nth: number;
  /** It can be torn by a crash. */
  readonly tearable: boolean;
  /** The monotonic instant it was made. */
  readonly madeAt: number;
}

/** Who goes next, and what becomes of it. */
export interface Chooser {
  /** How long a call is on its way before it can have its effect, ms. */
  latencyMs(call: PendingCall): number;
  /**
   * Which of the calls that can go next does, by its place; `letTimePass` where somebody's wait is to end first, which
   * is possible only while one waits (`waits`).
   */
  pick(ready: readonly PendingCall[], waits: boolean): number;
  /** What becomes of the call picked. `step` counts the calls that had their turn before it. */
  fate(call: PendingCall, step: number): Fate;
}

/** What has just happened, told before anybody hears of it. */
export interface KernelEvent {
  readonly step: number;
  readonly actor: string;
  readonly name: string;
  readonly about: string;
  readonly fate: FateKind;
  /** How often its effect was had. */
  readonly effects: 0 | 1 | 2;
}

/** One life of somebody in the world: a worker's process, an application, a person. */
export interface Actor {
  readonly name: string;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly random: Random;
  readonly alive: boolean;
  /** Hears of nothing for now. */
  readonly stopped: boolean;
  /** What it reads from its own calendar is off by so much, ms. */
  skewMs: number;
  /** Ends it for good: its calls that wait are lost, and nothing comes back to it. */
  kill(): void;
  /** Stops it for `ms`, as SIGSTOP does: what it has sent goes on, but it hears of nothing until then. */
  stop(ms: number): void;
}

export interface RunLimits {
  /** Looked at between two steps. */
  readonly until?: () => boolean;
  /** At most so much monotonic time passes. */
  readonly forMs?: number;
  /** At most so many calls have their turn: a bound against a world that never comes to rest. */
  readonly stepsMax?: number;
}

/** `idle`: nobody has a call under way or waits for anything, and no limit of time was set. */
export type RunEnd = 'until' | 'idle' | 'time' | 'steps';

export interface Kernel {
  spawn(name: string): Actor;
  /** Whether somebody of this name lives. */
  isAlive(name: string): boolean;
  run(limits?: RunLimits): Promise<RunEnd>;
  monotonic(): number;
  /** Calendar time as a right clock shows it. */
  now(): number;
  /** Turns everybody's calendar; monotonic time goes on as it did. */
  turnCalendar(ms: number): void;
  /** Does something after `ms` of monotonic time, whoever lives then. */
  after(ms: number, act: () => void): void;
  /** Called after each effect and each death, before anybody hears of it. */
  onEvent(listener: (event: KernelEvent) => void): void;
  /** Calls that had their turn. */
  readonly steps: number;
  /** How often each fate was met. */
  readonly fates: ReadonlyMap<FateKind, number>;
  readonly trace: Trace;
  /** Calls that wait for their turn, in the order they were made. */
  readonly pending: readonly PendingCall[];
}

export interface KernelOptions {
  readonly chooser: Chooser;
  /** Calendar instant of the beginning (epoch ms). */
  readonly startAt: number;
  /** Of what actors draw; the chooser has its own. */
  readonly seed?: number;
  /** Lines of trace kept for a person; the hash goes on beyond. */
  readonly traceLinesMax?: number;
}
