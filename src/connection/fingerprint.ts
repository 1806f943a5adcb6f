/**
 * Fingerprints: keyed HMACs that let us recognise a token without holding it. Their key is its own and is never rotated
 * with the sealing keys, or every spent token would be forgotten.
 */
import { createHash, createHmac, createSecretKey } from 'node:crypto';
import type { Secret } from '../runtime/secret.ts';

export type Fingerprint = (token: Secret) => string;

/** 12 hex digits of HMAC-SHA-256 under the key given (32 bytes). */
export function fingerprinter(key: Uint8Array): Fingerprint {
  // Made once: Node takes six times as long over an HMAC whose key is bytes.
  const secret = createSecretKey(key);
  return (token) => createHmac('sha256', secret).update(token.reveal(), 'utf8').digest('hex').slice(0, 12);
}

/** Tags whose change must make inventory read a secret again. */
const tagPrefix = 'pilotlight:';

/** What inventory compares: 8 characters over the version id and the managed tags. */
export function seenDigest(versionId: string, tags: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256').update(versionId);
  for (const key of Object.keys(tags).sort()) {
    if (key.startsWith(tagPrefix)) hash.update(`\n${key}=${tags[key]}`);
  }
  return hash.digest('base64url').slice(0, 8);
}

/** A number in [0, 1) that is the same for a connection everywhere and always: spreads due instants without a dice. */
export function steadyFraction(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
}
