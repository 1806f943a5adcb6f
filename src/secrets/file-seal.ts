/**
 * Sealing of the file store: AES-256-GCM under a key of each secret's own, derived from the store's key. The place a file
 * has (its folder and generation) is authenticated with it, so that no file passes for another or for a later self.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';

export interface Place {
  readonly folder: string;
  readonly generation: number;
}

const magic = Buffer.from('PLF1');
const nonceBytes = 12;
const tagBytes = 16;
export const keyBytes = 32;

/** A secret's folder: nothing of the name can be read from it, and any name gives a safe one. */
export function folderOf(name: string): string {
  return createHash('sha256').update(`pilotlight secret name\n${name}`).digest('hex').slice(0, 40);
}

function keyOf(key: Uint8Array, folder: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `pilotlight file store\n${folder}`, keyBytes));
}

function associated(place: Place): Buffer {
  return Buffer.from(`PLF1\n${place.folder}\n${place.generation}`);
}

export function seal(key: Uint8Array, place: Place, text: string, random: Random): Buffer {
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyOf(key, place.folder), nonce, { authTagLength: tagBytes });
  cipher.setAAD(associated(place));
  return Buffer.concat([magic, nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** Throws store_invalid naming the file where the key does not fit or a byte was changed; the two look the same. */
export function open(key: Uint8Array, place: Place, sealed: Buffer, file: string): string {
  const start = magic.length + nonceBytes;
  if (sealed.length < start + tagBytes || !sealed.subarray(0, magic.length).equals(magic)) {
    throw new PilotlightError('store_invalid', `${file} is not a file of this store, or is cut short`);
  }
  const nonce = sealed.subarray(magic.length, start);
  const decipher = createDecipheriv('aes-256-gcm', keyOf(key, place.folder), nonce, { authTagLength: tagBytes });
  decipher.setAAD(associated(place));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  try {
    return (
      decipher.update(sealed.subarray(start, sealed.length - tagBytes), undefined, 'utf8') + decipher.final('utf8')
    );
  } catch {
    throw new PilotlightError('store_invalid', `${file} cannot be opened: the key is another, or the file was changed`);
  }
}
