/**
 * What a body says of its refresh token, read without the code that is tried: a plain search for the name and what follows
 * it. It says less than the real reader and is sure of what it says.
 */

export interface Truth {
  /** A whole refresh token, the only one there is: not ours, made of visible characters, long enough to be one. */
  readonly stands?: string;
  /** Its value is a whole number: digits nobody may round. */
  readonly numeric: boolean;
}

interface Found {
  readonly kind: 'text' | 'number' | 'other' | 'cut';
  readonly value: string;
}

const tokenLengthMax = 8_192;

/** `text` is the body as it was before anything compressed it. */
export function truthOf(text: string, sent: string, complete: boolean): Truth {
  const found = [...inJson(text), ...inForm(text, complete)];
  const tokens = new Set(found.map(({ kind, value }) => (kind === 'text' ? value : kind)));
  const [only = ''] = tokens;
  const whole = tokens.size === 1 && found.every(({ kind }) => kind === 'text');
  const believable = /^[\x21-\x7e]{16,}$/.test(only) && only.length <= tokenLengthMax && !only.includes(sent);
  const numeric = found.length > 0 && found.every(({ kind, value }) => kind === 'number' && /^\d{4,}$/.test(value));
  return { numeric, ...(whole && believable ? { stands: only } : {}) };
}

function* inJson(text: string): Generator<Found> {
  for (const match of text.matchAll(/(?<!\\)"\s{0,4}refresh_token\s{0,4}"\s{0,16}:\s{0,16}/g))
    yield valueAt(text, match.index + match[0].length);
}

function valueAt(text: string, at: number): Found {
  if (text[at] === '"') {
    let end = at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    if (end >= text.length) return { kind: 'cut', value: '' };
    try {
      return { kind: 'text', value: JSON.parse(text.slice(at, end + 1)) as string };
    } catch {
      return { kind: 'other', value: '' };
    }
  }
  const number = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?=\s{0,16}[,}])/.exec(text.slice(at, at + 400));
  return number === null ? { kind: 'other', value: '' } : { kind: 'number', value: number[0] };
}

/** Only in a body that is nothing but a form. */
function* inForm(text: string, complete: boolean): Generator<Found> {
  const form = text.trim();
  if (!/^[\w.-]{1,64}=[^\s{}<>"&]*(?:&[\w.-]{1,64}=[^\s{}<>"&]*)*$/.test(form)) return;
  const pairs = form.split('&');
  for (const [place, pair] of pairs.entries()) {
    if (!pair.startsWith('refresh_token=')) continue;
    const value = new URLSearchParams(pair).get('refresh_token') ?? '';
    yield { kind: place === pairs.length - 1 && !complete ? 'cut' : 'text', value };
  }
}

/** True where the text holds the token as somebody's whole value: in quotes, with or without escapes, or as a form's. */
export function holdsWhole(text: string, token: string): boolean {
  if (text.includes(JSON.stringify(token))) return true;
  const padded = (value: string) => value === token;
  for (const [literal] of text.matchAll(/"(?:[^"\\]|\\.)*"/gs))
    if (literal.includes('\\') && padded(unquoted(literal))) return true;
  // Quotes out of place move what lies between them: each quote may be the first.
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    const found = valueAt(text, at);
    if (found.kind === 'text' && padded(found.value)) return true;
  }
  return text
    .trim()
    .split('&')
    .some((pair) => [...new URLSearchParams(pair).values()].some(padded));
}

function unquoted(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return '';
  }
}
