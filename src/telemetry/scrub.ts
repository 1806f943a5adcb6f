/**
 * The second net under every line that leaves the process: what is not plain is refused, what could drive a terminal or
 * forge a line is taken out, and what looks like a credential is replaced. The first net is that no Secret can be handed
 * to a logger at all; this one must hold when somebody hands over a string that should have been one.
 */
import { stripVTControlCharacters } from 'node:util';

/** Longest text that a field may carry; a log line is a fact, not a document. */
const textLengthMax = 512;
/** How much of a longer text is looked at. What lies behind it is never shown. */
const textLengthRead = 4_096;
const listLengthMax = 50;

export const refusedMark = '[refused]';
const redactedMark = '[redacted]';

/** Fields whose long unbroken values are names, not credentials: connection ids, version ids, ARNs and the like. */
const idFields: ReadonlySet<string> = new Set([
  'connection',
  'connections',
  'attempt',
  'version',
  'versionId',
  'versionOld',
  'versionNew',
  'secretName',
  'arn',
  'host',
  'file',
  'prev',
  'hash',
]);

/** Line ends and tabs become a blank: a forged second line must not be seen as one. */
const lineBreaking = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Control characters, and marks that reorder or hide text on a terminal. */
const invisible = /[\p{Cc}\p{Cf}]/gu;

/** Three-part JSON web tokens, and anything else that starts as one. */
const jsonWebToken = /\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_~+/=-]*){0,4}/g;
const authorization = /\b(bearer|basic|dpop)\s+[A-Za-z0-9._~+/=*-]{8,}/gi;
const userInfo = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@]+@/gi;
/** Not after a colon: `:secret:` is a part of every ARN. */
const namedCredential =
  /\b(?<!:)((?:refresh|access|id)_?token|client_?secret|client_assertion|password|passwd|secret|assertion|code_verifier|api_?key)(["']?\s*[=:]\s*)(?:"[^"]*"?|'[^']*'?|[^\s"'&,;}\]]+)/gi;
/** A whole unbroken run of base64url this long is no word. */
const opaqueRun = /[A-Za-z0-9_-]{40,}/g;
/** A shorter run in which both cases and digits are mixed, with the characters of base64 and of Adobe's tokens. */
const mixedRun = /[A-Za-z0-9_+/=~*-]{32,}/g;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function looksMixed(run: string): boolean {
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run) && !uuid.test(run);
}

/**
 * Makes one text fit to be printed: one line, no control characters, at most 512 characters, credentials replaced.
 * `isId` spares long unbroken names; what is unmistakably a credential is replaced even there.
 */
export function scrubText(text: string, isId = false): string {
  const cut = text.length > textLengthRead;
  // A run that the cut divides could fall below the lengths looked for, so the divided run goes as a whole.
  const read = cut ? text.slice(0, textLengthRead).replace(/\S+$/, '') : text;
  let clean = stripVTControlCharacters(read).replace(lineBreaking, ' ').replace(invisible, '');
  clean = clean
    .replace(jsonWebToken, redactedMark)
    .replace(authorization, `$1 ${redactedMark}`)
    .replace(userInfo, `$1${redactedMark}@`)
    .replace(namedCredential, `$1$2${redactedMark}`);
  if (!isId) {
    clean = clean.replace(opaqueRun, (run) => (uuid.test(run) ? run : redactedMark));
    clean = clean.replace(mixedRun, (run) => (looksMixed(run) ? redactedMark : run));
  }
  if (!cut && clean.length <= textLengthMax) return clean.toWellFormed();
  return `${clean.slice(0, textLengthMax - 1)}…`.toWellFormed();
}

/** A value as it may be printed: text, number, boolean, null or a list of texts; `[refused]` for anything else. */
export function scrubValue(field: string, value: unknown): string | number | boolean | null | string[] {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'string') return scrubText(value, idFields.has(field));
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) return refusedMark;
  const shown = value.slice(0, listLengthMax).map((item: string) => scrubText(item, idFields.has(field)));
  return value.length > listLengthMax ? [...shown, `… ${value.length - listLengthMax} more`] : shown;
}
