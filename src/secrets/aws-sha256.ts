/**
 * SHA-256 as the SDK's signer wants it, at a third of its default's cost: a signing key lives for a day, so its key object
 * is made once instead of for every request. The signature itself stays the SDK's.
 */
import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto';

type Source = string | ArrayBuffer | ArrayBufferView;

/** Key objects by the signer's cached key; entries go when the signer drops the key. */
const keyObjects = new WeakMap<object, KeyObject>();

function bytes(source: Source): Uint8Array {
  if (typeof source === 'string') return Buffer.from(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source);
}

function keyObject(secret: Source): KeyObject {
  const known = typeof secret === 'object' ? keyObjects.get(secret) : undefined;
  if (known !== undefined) return known;
  const made = createSecretKey(bytes(secret));
  if (typeof secret === 'object') keyObjects.set(secret, made);
  return made;
}

/** A class because the SDK constructs it: `new Sha256(secret?)`. With a secret it is an HMAC. */
export class Sha256 {
  readonly #secret: Source | undefined;
  #state: Hash | Hmac;

  constructor(secret?: Source) {
    this.#secret = secret;
    this.#state = this.#start();
  }

  #start(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', keyObject(this.#secret));
  }

  update(data: Source): void {
    this.#state.update(typeof data === 'string' ? data : bytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#state.digest();
  }

  reset(): void {
    this.#state = this.#start();
  }
}
