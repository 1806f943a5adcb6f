/** Instants as customers write them: ISO 8601 text, Unix seconds or milliseconds, as number or decimal text. */

/** No OAuth grant is older than the standard (RFC 6749 is of 2012; OAuth 1.0 of 2010). */
const earliestAt = Date.UTC(2010, 0, 1);
/** Unix seconds stay below this until the year 5138, milliseconds lie above it since 1973. */
const secondsBelow = 100_000_000_000;

/** Epoch ms, or undefined for anything that is no instant between 2010 and `latestAt`. */
export function readInstant(value: unknown, latestAt: number): number | undefined {
  const ms = toMs(value);
  return ms !== undefined && Number.isFinite(ms) && ms >= earliestAt && ms <= latestAt ? Math.floor(ms) : undefined;
}

function toMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value < secondsBelow ? value * 1_000 : value;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d{9,14}$/.test(text)) return toMs(Number(text));
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : undefined;
}

/** The instant in the form its predecessor had, so that the application that reads it keeps working. */
export function writeInstant(at: number, predecessor: unknown): string | number {
  const seconds = Math.floor(at / 1_000);
  if (typeof predecessor === 'number') return predecessor < secondsBelow ? seconds : at;
  if (typeof predecessor === 'string' && /^\d{9,14}$/.test(predecessor.trim())) {
    return String(Number(predecessor) < secondsBelow ? seconds : at);
  }
  return new Date(at).toISOString();
}
