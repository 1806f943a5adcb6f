/**
 * A provider's words may echo the client secret it was just sent. The answer's reader knows the token only; what must not be
 * shown for the client's sake is taken out here. Pure.
 */
import type { Secret } from '../runtime/secret.ts';
import type { Answer } from './ports.ts';

type Refused = Extract<Answer, { kind: 'refused' }>;

/** Shorter stretches of a secret are in ordinary words as well. */
const echoLength = 10;

/**
 * The refusal without words that hold the secret or a stretch of it. Where the secret sent is not known any more (recovery
 * after a restart) free text is not shown at all.
 */
export function withoutEcho(refused: Refused, clientSecret: Secret | 'unknown' | undefined): Refused {
  const { error, description, requestId, ...rest } = refused;
  if (clientSecret === 'unknown') return { ...rest, ...(error === undefined ? {} : { error }) };
  const secret = clientSecret?.reveal() ?? '';
  const shown = (text: string | undefined) => (text === undefined || echoes(text, secret) ? undefined : text);
  const said = { error: shown(error), description: shown(description), requestId: shown(requestId) };
  return { ...rest, ...Object.fromEntries(Object.entries(said).filter(([, text]) => text !== undefined)) };
}

function echoes(text: string, secret: string): boolean {
  for (let at = 0; at + echoLength <= secret.length; at++) {
    if (text.includes(secret.slice(at, at + echoLength))) return true;
  }
  return secret !== '' && text.includes(secret);
}
