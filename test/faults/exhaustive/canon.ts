/** One text for everything a value holds, secrets and bytes included, so that two values are the same when their texts are. */
import { hash } from 'node:crypto';
import { Secret } from '../../../src/runtime/secret.ts';

const digests = new WeakMap<Uint8Array, string>();

/** 120 bits of SHA-1: states are told apart by it. */
export function digestOf(text: string): string {
  return hash('sha1', text, 'base64').slice(0, 20);
}

function digestOfBytes(bytes: Uint8Array): string {
  const known = digests.get(bytes);
  if (known !== undefined) return known;
  const made = digestOf(Buffer.from(bytes).toString('latin1'));
  digests.set(bytes, made);
  return made;
}

/** The buffers in it must not be changed afterwards. */
export function canon(value: unknown): string {
  if (value === null || typeof value !== 'object')
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  if (value instanceof Uint8Array) return `b${digestOfBytes(value)}`;
  if (value instanceof Secret) return `s${JSON.stringify(value.reveal())}`;
  if (value instanceof Error) return `e${String((value as { code?: unknown }).code ?? value.name)}`;
  if (Array.isArray(value)) return `[${value.map(canon).join()}]`;
  if (value instanceof Map || value instanceof Set) return `m${canon([...value])}`;
  let text = '{';
  for (const key of Object.keys(value).sort()) text += `${key}:${canon((value as Record<string, unknown>)[key])},`;
  return `${text}}`;
}
