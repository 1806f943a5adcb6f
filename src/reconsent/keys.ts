/**
 * Keys of links, states and forms: each derived for its one purpose from one key file (HKDF, RFC 5869), so that nothing
 * signed for one can pass for another, and bound to the install, so that staging's links open nothing in production.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { PilotlightError } from '../runtime/errors.ts';
import type { Secret } from '../runtime/secret.ts';

export interface ConsentKeys {
  readonly link: KeyObject;
  readonly state: KeyObject;
  readonly form: KeyObject;
}

const keyBytes = 32;
/** Bytes of a MAC: HMAC-SHA-256, whole. */
export const macBytes = 32;

/** `file`: the key file's bytes as text (base64, say), 32 characters at least. Throws config_invalid. */
export function consentKeys(file: Secret, environment: string): ConsentKeys {
  const bytes = Buffer.from(file.reveal(), 'utf8');
  if (bytes.length < keyBytes)
    throw new PilotlightError('config_invalid', 'the key of re-consent links must have 32 bytes at least');
  const derive = (purpose: string) =>
    createSecretKey(
      Buffer.from(hkdfSync('sha256', bytes, Buffer.from(environment), `pilotlight re-consent 1 ${purpose}`, keyBytes)),
    );
  return { link: derive('link'), state: derive('state'), form: derive('form') };
}

export function macOf(key: KeyObject, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** Compares in a time that tells nothing of where they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The bytes of base64url text in its one canonical spelling; undefined for anything else. */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
