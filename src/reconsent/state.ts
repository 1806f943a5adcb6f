/**
 * The `state` of an authorisation (RFC 6749 10.12): proves that we began it, lately, for this connection, at this provider,
 * in this browser. Its size is fixed and it names nobody: it passes through the provider's logs. Pure.
 */
import { createHash } from 'node:crypto';
import { type ConsentKeys, fromBase64url, macBytes, macOf, sameBytes } from './keys.ts';

export interface StateFacts {
  /** 16 bytes, base64url. */
  readonly nonce: string;
  /** Epoch ms, calendar. */
  readonly issuedAt: number;
  readonly connection: string;
  readonly provider: string;
  /** What the browser's cookie says. */
  readonly browser: string;
}

export type ReadState =
  | {
      readonly kind: 'valid';
      readonly nonce: string;
      /** Whether it was made for this connection. */
      readonly isFor: (connection: string) => boolean;
    }
  | { readonly kind: 'state_forged' | 'state_expired' | 'other_provider' | 'other_browser' };

/** How long somebody may take at the provider's pages. */
export const stateLifeMs = 600_000;
/** 128 bits: no one guesses a state that was handed out. */
export const nonceBytes = 16;

const format = 1;
/** Format, instant, nonce, and one digest each of connection, provider and browser. */
const digestBytes = 16;
const at = { issued: 1, nonce: 7, connection: 23, provider: 39, browser: 55, mac: 71 } as const;

function digest(what: string, text: string): Buffer {
  return createHash('sha256').update(`${what}\n${text}`).digest().subarray(0, digestBytes);
}

export function makeState(facts: StateFacts, keys: ConsentKeys): string {
  const body = Buffer.alloc(at.mac);
  body.writeUInt8(format);
  body.writeUIntBE(facts.issuedAt, at.issued, at.nonce - at.issued);
  Buffer.from(facts.nonce, 'base64url').copy(body, at.nonce, 0, nonceBytes);
  digest('connection', facts.connection).copy(body, at.connection);
  digest('provider', facts.provider).copy(body, at.provider);
  digest('browser', facts.browser).copy(body, at.browser);
  return Buffer.concat([body, macOf(keys.state, body)]).toString('base64url');
}

/** Reads a state as it came back to this provider's callback, in this browser. Never throws. */
export function readState(
  text: string,
  here: { readonly provider: string; readonly browser: string | undefined; readonly now: number },
  keys: ConsentKeys,
): ReadState {
  const bytes = text.length > 256 ? undefined : fromBase64url(text);
  if (bytes?.length !== at.mac + macBytes) return { kind: 'state_forged' };
  const body = bytes.subarray(0, at.mac);
  if (!sameBytes(bytes.subarray(at.mac), macOf(keys.state, body)) || body[0] !== format)
    return { kind: 'state_forged' };
  const bears = (what: 'connection' | 'provider' | 'browser', value: string) =>
    sameBytes(body.subarray(at[what], at[what] + digestBytes), digest(what, value));
  const issuedAt = body.readUIntBE(at.issued, at.nonce - at.issued);
  if (here.now >= issuedAt + stateLifeMs) return { kind: 'state_expired' };
  if (!bears('provider', here.provider)) return { kind: 'other_provider' };
  if (here.browser === undefined || !bears('browser', here.browser)) return { kind: 'other_browser' };
  return {
    kind: 'valid',
    nonce: body.subarray(at.nonce, at.connection).toString('base64url'),
    isFor: (connection) => bears('connection', connection),
  };
}
