/** Durations as people write them (`30d`, `1h30m`, ISO 8601) and as the code counts them: milliseconds. */
import { z } from 'zod';

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Longest duration accepted: 20 years, the longest life any known provider gives. */
const durationMsMax = 20 * 365 * unitMs.d;

/**
 * Reads `30d`, `90s`, `1h30m`, `500ms` or ISO 8601 (`P30D`, `PT1H30M`) as milliseconds; undefined when it is neither.
 * ISO years and months are refused because their length varies.
 */
export function parseDuration(text: string): number | undefined {
  const iso = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (iso !== null && text !== 'P' && !text.endsWith('T')) {
    const [w, d, h, m, s] = iso.slice(1).map((part) => Number(part ?? 0));
    return (w ?? 0) * unitMs.w + (d ?? 0) * unitMs.d + (h ?? 0) * unitMs.h + (m ?? 0) * unitMs.m + (s ?? 0) * unitMs.s;
  }
  if (!/^(?:\d+(?:ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g))
    total += Number(count) * unitMs[unit as keyof typeof unitMs];
  return total;
}

/** Writes milliseconds the way `parseDuration` reads them: the largest units first. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  let out = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / unitMs[unit]);
    if (count > 0) out += `${count}${unit}`;
    rest -= count * unitMs[unit];
  }
  return out === '' ? '0s' : out;
}

/** A duration in a config file, read to milliseconds. */
export function duration(limits: { min?: string; max?: string } = {}) {
  const min = parseDuration(limits.min ?? '1ms') ?? 1;
  const max = parseDuration(limits.max ?? '7300d') ?? durationMsMax;
  return z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) {
      context.issues.push({
        code: 'custom',
        input: text,
        message: 'is not a duration; write it like 30d, 12h, 90s, 1h30m or PT1H30M',
      });
      return z.NEVER;
    }
    if (ms < min || ms > max) {
      context.issues.push({
        code: 'custom',
        input: text,
        message: `must lie between ${formatDuration(min)} and ${formatDuration(max)}`,
      });
      return z.NEVER;
    }
    return ms;
  });
}
