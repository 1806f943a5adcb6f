/** Spans and instants in words. Rounded down, so that nothing sounds longer than it is; two units at most. */

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** A span in words: `19 days 4 hours`, `3 minutes 20 seconds`, `under a second`. The sign is dropped. */
export function spanInWords(ms: number): string {
  let rest = Math.abs(ms);
  const parts: string[] = [];
  for (const [unit, unitMs] of units) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    // The unit after the first is said even where it is the last one; an empty one in between ends the words.
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? 'under a second' : parts.join(' ');
}

/** An instant against now: `in 2 days`, `4 hours ago`, `now`. */
export function relativeInWords(at: number, now: number): string {
  const ms = at - now;
  if (Math.abs(ms) < 1_000) return 'now';
  return ms > 0 ? `in ${spanInWords(ms)}` : `${spanInWords(ms)} ago`;
}

/** An instant as `2026-11-20 08:00 UTC`; what no date can show as `unknown`. */
export function utcInWords(at: number): string {
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return 'unknown';
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
