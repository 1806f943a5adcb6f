/** One case of the crash points, and how it is written in a replay: `12:crashAfter:other:strict+17:errorBefore`. */
import { type Fate, fateText, kills, readFate } from '../sim/fate.ts';

/** Provider modes that are tried, the strictest last. */
export const modes = ['nonRotating', 'grace', 'strict', 'strictFamily'] as const;
export type Mode = (typeof modes)[number];

/** Who goes on after the fault. */
export const recoveries = [
  /** The process itself where it lives; where it died, as `same`. */
  'self',
  /** A new process on the same disk; where the old one lives, it is ended once its rotation is over or stuck. */
  'same',
  /** Another worker; the old one's disk is gone, so only the mirror and the store are left. */
  'other',
] as const;
export type Recovery = (typeof recoveries)[number];

export interface PlannedFault {
  /** Calls since the clean rotation began. */
  readonly at: number;
  readonly fate: Fate;
}

export interface Case {
  readonly faults: readonly PlannedFault[];
  readonly recovery: Recovery;
  readonly mode: Mode;
}

/** Every fate a call may have; `tearable`: a crash may leave a part of its effect. */
export function fatesOf(tearable: boolean): readonly Fate[] {
  const torn = [0, 0.4, 0.9].map((fraction): Fate => ({ kind: 'crashTorn', fraction }));
  return [
    { kind: 'crashBefore' },
    { kind: 'crashAfter' },
    ...(tearable ? torn : []),
    // What a dead process had sent may still arrive, when another one has long been at work.
    ...(tearable ? [] : [{ kind: 'crashLate', ms: 230_000 } as const]),
    { kind: 'errorBefore' },
    { kind: 'errorAfter' },
    { kind: 'hangBefore' },
    { kind: 'hangAfter' },
    { kind: 'duplicate' },
  ];
}

/** A process that died does not go on by itself. */
export function makesSense(fate: Fate, recovery: Recovery): boolean {
  return recovery !== 'self' || !kills(fate);
}

export function caseText({ faults, recovery, mode }: Case): string {
  const [first, ...others] = faults.map(({ at, fate }) => `${at}:${fateText(fate)}`);
  return [`${first ?? 'clean'}:${recovery}:${mode}`, ...others].join('+');
}

/** Throws where it is no case. */
export function readCase(text: string): Case {
  const [head = '', ...others] = text.split('+');
  const words = head.split(':');
  const mode = modes.find((one) => one === words.at(-1));
  const recovery = recoveries.find((one) => one === words.at(-2));
  if (mode === undefined || recovery === undefined) throw new Error(`no case: ${text}`);
  const first = words.slice(0, -2).join(':');
  const faults = first === 'clean' ? others : [first, ...others];
  return { mode, recovery, faults: faults.map(readFault) };
}

function readFault(text: string): PlannedFault {
  const [at, fate = ''] = text.split(':');
  if (!/^\d+$/.test(at ?? '')) throw new Error(`no fault: ${text}`);
  return { at: Number(at), fate: readFate(fate) };
}
