/**
 * Looks for whole tokens in a body that cannot be read: cut off, broken, too large. A token counts only with both its
 * quotes, and only if every occurrence of its name says the same.
 */

/** Longest token taken. Two of them, and the rest of the document, must fit a secret of 65,536 bytes. */
export const tokenLengthMax = 8_192;

export interface Salvaged {
  readonly refreshToken?: string;
  readonly accessToken?: string;
  readonly expiresIn?: string;
}

/** Never throws; linear in the text's length, which the caller bounds. */
export function salvage(text: string): Salvaged {
  const refreshToken = onlyToken(text, /"\s{0,4}refresh_token\s{0,4}"\s{0,16}:\s{0,16}"([^"\\]*(?:\\.[^"\\]*)*)"/g);
  const accessToken = onlyToken(text, /"\s{0,4}access_token\s{0,4}"\s{0,16}:\s{0,16}"([^"\\]*(?:\\.[^"\\]*)*)"/g);
  // The character behind the digits shows that none was cut off.
  const expiresIn = /"expires_in"\s{0,16}:\s{0,16}"?(\d{1,15})"?\s{0,16}[,}]/.exec(text)?.[1];
  return {
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(expiresIn === undefined ? {} : { expiresIn }),
  };
}

/** True where the raw bytes hold a whole refresh token or the digits of a numeric one, for somebody to take out by hand. */
export function holdsRefreshToken(text: string, sent: string): boolean {
  const found = salvage(text).refreshToken;
  if (found !== undefined) return found !== sent;
  // Our own token, echoed, is none.
  const others = sent.length < 8 ? text : text.replaceAll(sent, '').replaceAll(encodeURIComponent(sent), '');
  return (
    /"\s{0,4}refresh_token\s{0,4}"\s{0,16}:\s{0,16}(?:"[^"\\]{8,}"|\d{4,}\s{0,16}[,}])/.test(others) ||
    /(?:^|&)refresh_token=[^&\s"]{8,}&/.test(others)
  );
}

/** The refresh token of a body that is nothing but a form. */
export function tokenInForm(text: string): string | undefined {
  const form = text.trim();
  if (!/^[\w.-]{1,64}=[^\s{}<>"]*$/.test(form)) return undefined;
  const tokens = new Set(new URLSearchParams(form).getAll('refresh_token'));
  const [only] = tokens;
  return tokens.size === 1 && only !== undefined && isTokenText(only) ? only : undefined;
}

function onlyToken(text: string, pattern: RegExp): string | undefined {
  let only: string | undefined;
  for (const [, literal] of text.matchAll(pattern)) {
    const token = unquote(literal ?? '');
    if (token === undefined || (only !== undefined && only !== token)) return undefined;
    only = token;
  }
  return only;
}

function unquote(literal: string): string | undefined {
  if (literal.length > tokenLengthMax * 6) return undefined;
  try {
    const token: unknown = JSON.parse(`"${literal}"`);
    return typeof token === 'string' && isTokenText(token) ? token : undefined;
  } catch {
    return undefined;
  }
}

/**
 * RFC 6749, appendix A: a token is made of visible ASCII and spaces. Spaces and line ends around it are let pass (and told
 * apart by the caller); anything else is a sign that the text was changed on its way.
 */
export function isTokenText(token: string): boolean {
  const core = token.trim();
  if (core === '' || token.length > tokenLengthMax || !/^[\x20-\x7e]+$/.test(core)) return false;
  const start = token.indexOf(core);
  return /^[ \t\r\n]*$/.test(token.slice(0, start) + token.slice(start + core.length));
}
