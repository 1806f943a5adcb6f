/**
 * What a provider's words may look like in our logs, tags and metrics. They are written by a third party that was just sent
 * a token and a client secret and may echo either, whole, cut or encoded; and they may hold line ends and terminal escapes.
 */

/** Any stretch this long that is also in the token we sent counts as a piece of it. */
const echoLength = 8;
const descriptionLengthMax = 200;
const codeLengthMax = 64;

/** An error code for display: [A-Za-z0-9_.-], 64 at most; undefined where nothing may be shown. */
export function scrubCode(code: string | undefined, sent: string): string | undefined {
  if (code === undefined || code === '') return undefined;
  const text = code.slice(0, codeLengthMax).replaceAll(/[^A-Za-z0-9_.-]/g, '_');
  return echoes(text, sent) || looksLikeSecret(text) ? undefined : text;
}

/** A description for display: one line, 200 characters at most, pieces of tokens and addresses taken out. */
export function scrubDescription(description: string | undefined, sent: string): string | undefined {
  if (description === undefined) return undefined;
  // Cut before the work (a description may fill the body), and again after it.
  const line = description
    .slice(0, 2_000)
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Z}\s]+/gu, ' ');
  const words = line.split(' ').map((word) => (mayShow(word, sent) ? word : '[redacted]'));
  const text = words.join(' ').trim().slice(0, descriptionLengthMax).toWellFormed();
  // A token of ordinary words would pass word by word.
  return text === '' || echoes(text, sent) ? undefined : text;
}

/** A provider's id of the request, for its support: printable, 80 at most, no piece of the token. */
export function scrubRequestId(id: string | undefined, sent: string): string | undefined {
  const text = id?.trim() ?? '';
  return /^[A-Za-z0-9_.:/=+-]{1,80}$/.test(text) && !echoes(text, sent) ? text : undefined;
}

function mayShow(word: string, sent: string): boolean {
  if (echoes(word, sent) || word.includes('@')) return false;
  return !word.split(/[^A-Za-z0-9_~+/.*%=-]+/).some(looksLikeSecret);
}

/** True when the text holds the token or a stretch of it long enough to be no accident. */
function echoes(text: string, sent: string): boolean {
  if (sent === '') return false;
  if (text.includes(sent)) return true;
  for (let at = 0; at + echoLength <= text.length; at++) {
    const piece = text.slice(at, at + echoLength);
    // Plain words ("refresh_") are in many tokens and in all error texts.
    if (!/^[a-z_ .-]+$/.test(piece) && sent.includes(piece)) return true;
  }
  return false;
}

/** Words and error codes: letters in groups, in one case or as camel case, perhaps with a small number behind. */
const word = '(?:[a-z]{1,20}|[A-Z]{1,20}|[A-Z]?[a-z]{2,20}(?:[A-Z][a-z]{2,20}){1,6})';
const words = new RegExp(`^${word}(?:[_./=-]+(?:${word}|\\d{1,4}))*[.=]?$`);

/** Tokens and secrets are long runs of mixed characters. */
function looksLikeSecret(run: string): boolean {
  return run.length >= 16 && !words.test(run);
}
