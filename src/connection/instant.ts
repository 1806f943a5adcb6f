/**
 * Instants as customers write them: ISO 8601 text, Unix seconds or milliseconds, as number or decimal text. What we write
 * keeps the form found, because some application parses it strictly.
 */

/** No OAuth grant is older than the standard (RFC 6749 is of 2012; OAuth 1.0 of 2010). */
const earliestAt = Date.UTC(2010, 0, 1);
/** Unix seconds stay below this until the year 5138, milliseconds lie above it since 1973. */
const secondsBelow = 100_000_000_000;
const decimal = /^\d{9,14}$/;
const isoParts = /^(\d{4}-\d{2}-\d{2})(?:([Tt ])(\d{2}:\d{2})(?:(:\d{2})(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d{2}:?\d{2})?)?$/;

/** Epoch ms, or undefined for anything that is no instant between 2010 and `latestAt`. */
export function readInstant(value: unknown, latestAt: number): number | undefined {
  const ms = toMs(value);
  return ms !== undefined && Number.isFinite(ms) && ms >= earliestAt && ms <= latestAt ? Math.floor(ms) : undefined;
}

function toMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value < secondsBelow ? value * 1_000 : value;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (decimal.test(text)) return toMs(Number(text));
  const iso = isoParts.exec(text);
  if (iso === null) return undefined;
  const [, date, , time = '00:00', seconds = ':00', fraction = '', zone] = iso;
  // Without a zone it is UTC: the machine's own zone must not move a deadline.
  return Date.parse(`${date}T${time}${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`) - zoneMs(zone);
}

/** The instant in the form its predecessor had, rounded down to its precision. */
export function writeInstant(at: number, predecessor: unknown): string | number {
  const seconds = Math.floor(at / 1_000);
  if (typeof predecessor === 'number') return predecessor < secondsBelow ? seconds : at;
  if (typeof predecessor !== 'string') return new Date(at).toISOString();
  const text = predecessor.trim();
  if (decimal.test(text)) return String(Number(text) < secondsBelow ? seconds : at);
  const iso = isoParts.exec(text);
  if (iso === null || iso[2] === undefined) return new Date(at).toISOString();
  const [, , separator, , , fraction, zone = ''] = iso;
  const local = new Date(at + zoneMs(zone)).toISOString();
  const digits = fraction === undefined ? '' : `.${local.slice(20, 23).padEnd(9, '0').slice(0, fraction.length)}`;
  return `${local.slice(0, 10)}${separator}${local.slice(11, 19)}${digits}${zone}`;
}

function zoneMs(zone: string | undefined): number {
  const parts = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? '');
  if (parts === null) return 0;
  return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3])) * 60_000;
}
