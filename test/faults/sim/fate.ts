/** What may become of one call of a port, and how it is written in a replay. */

export const fateKinds = [
  /** Effect, and its caller hears of it. */
  'ok',
  /** The same, but its caller hears of it only after `ms`. */
  'slow',
  /** Its actor dies; no effect. */
  'crashBefore',
  /** Effect; its actor dies before it hears of it. */
  'crashAfter',
  /** Its actor dies, and of an effect that is not atomic only a part is left, drawn from `fraction`. */
  'crashTorn',
  /** Its actor dies, and what it had sent has its effect `ms` later all the same. */
  'crashLate',
  /** No effect; its caller is told that nobody knows. */
  'errorBefore',
  /** Effect; its caller is told that nobody knows. */
  'errorAfter',
  /** No effect; nothing is heard for as long as the adapter waits. */
  'hangBefore',
  /** Effect; nothing is heard for as long as the adapter waits. */
  'hangAfter',
  /** Nothing is heard for as long as the adapter waits; the effect comes `ms` after the call, perhaps later than that. */
  'hangLate',
  /** Effect twice over; its caller hears of the first. */
  'duplicate',
] as const;

export type FateKind = (typeof fateKinds)[number];

export interface Fate {
  readonly kind: FateKind;
  /** Of `slow`, `crashLate` and `hangLate`; monotonic. */
  readonly ms?: number;
  /** Of `crashTorn`: [0, 1). */
  readonly fraction?: number;
}

export const fine: Fate = { kind: 'ok' };

/** `crashTorn@0.5`, `slow@2000`, `errorAfter`. */
export function fateText({ kind, ms, fraction }: Fate): string {
  const detail = fraction ?? ms;
  return detail === undefined ? kind : `${kind}@${detail}`;
}

/** Reads what `fateText` wrote. Throws where it is none. */
export function readFate(text: string): Fate {
  const [word, detail] = text.split('@');
  const kind = fateKinds.find((one) => one === word);
  const number = Number(detail);
  if (kind === undefined || (detail !== undefined && !Number.isFinite(number))) throw new Error(`no fate: ${text}`);
  if (detail === undefined) return { kind };
  return kind === 'crashTorn' ? { kind, fraction: number } : { kind, ms: number };
}

/** Whether the caller does not live to hear of it. */
export function kills({ kind }: Fate): boolean {
  return kind === 'crashBefore' || kind === 'crashAfter' || kind === 'crashTorn' || kind === 'crashLate';
}
