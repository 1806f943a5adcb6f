/**
 * The ring of sealing keys. Every key opens, one seals; a new key is first added (it only opens), rolled out everywhere,
 * and only then named as the one that seals. Each record gets a key of its own, derived by its attempt, so that a
 * repeated nonce can never meet the same key.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';

export interface Keyring {
  /** Id of the key that seals from now on. */
  readonly sealWith: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

const nonceBytes = 12;
const tagBytes = 16;
/** Bytes a seal adds: nonce and tag. */
export const sealOverheadBytes = nonceBytes + tagBytes;
/** Bytes of the code that authenticates a record's clear header. */
export const macBytes = 16;

/** AES-256-GCM over `plain`, bound to `bound`: nonce, tag, ciphertext. */
export function sealBytes(
  key: Uint8Array,
  attempt: string,
  nonce: Uint8Array,
  bound: Uint8Array,
  plain: Uint8Array,
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', recordKey(key, attempt), nonce, { authTagLength: tagBytes });
  cipher.setAAD(bound);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** Opens what sealBytes made; undefined where key, bytes or binding are not the ones it was sealed with. */
export function openBytes(key: Uint8Array, attempt: string, bound: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < sealOverheadBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', recordKey(key, attempt), sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(nonceBytes, sealOverheadBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(sealOverheadBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The code that authenticates a record's clear header. */
export function headerMac(key: Uint8Array, header: Uint8Array): Buffer {
  return createHmac('sha256', objectsOf(key).header).update(header).digest().subarray(0, macBytes);
}

export function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Key objects of the ring's keys, made once: Node takes several times as long where a key is given as bytes. */
const known = new WeakMap<Uint8Array, { readonly master: KeyObject; readonly header: KeyObject }>();

function objectsOf(key: Uint8Array) {
  const found = known.get(key);
  if (found !== undefined) return found;
  const master = createSecretKey(key);
  const made = { master, header: derive(master, '', 'header') };
  known.set(key, made);
  return made;
}

function recordKey(key: Uint8Array, attempt: string): KeyObject {
  return derive(objectsOf(key).master, attempt, 'seal');
}

function derive(master: KeyObject, attempt: string, purpose: 'seal' | 'header'): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', master, attempt, `pilotlight spool 1 ${purpose}`, 32)));
}
