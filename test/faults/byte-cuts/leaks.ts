/**
 * Looks for tokens in a large text: the mark every sandbox token bears, and any piece of a token of at least 23 characters,
 * plain, in hex or in base64. The other way round than leak-search.ts, because here tokens are many and the text is read once.
 */
import type { Redis } from 'ioredis';
import { tokenMark } from '../../../src/sandbox/providers/mint.ts';

const window = 12;

/** What was found, without the piece itself: a report must not leak either. */
export function leaksIn(text: string, tokens: readonly string[]): readonly string[] {
  const folded = text.toLowerCase();
  const found: string[] = [];
  if (folded.includes(tokenMark.toLowerCase())) found.push('the mark of a sandbox token');
  const windows = new Set<string>();
  for (let at = 0; at + window <= folded.length; at++) windows.add(folded.slice(at, at + window));
  for (const token of tokens) {
    // The first part of a JWT is the same for everybody and no secret.
    const secret = token.slice(Math.max(0, token.indexOf(tokenMark)));
    if (formsOf(secret).some((form) => holdsPiece(windows, form.toLowerCase()))) found.push('a piece of a token');
  }
  return found;
}

function formsOf(secret: string): readonly string[] {
  const base64 = ['', 'x', 'xx'].map((shift) =>
    Buffer.from(shift + secret)
      .toString('base64')
      .slice(4, -4),
  );
  return [secret, Buffer.from(secret).toString('hex'), ...base64];
}

function holdsPiece(windows: ReadonlySet<string>, form: string): boolean {
  for (let at = 0; at + window <= form.length; at += window) if (windows.has(form.slice(at, at + window))) return true;
  return false;
}

/** Every key and value of a Redis, as text. */
export async function redisText(redis: Redis): Promise<string> {
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, '0', '-1'),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  const all: string[] = [];
  for (const key of await redis.keys('*'))
    all.push(`${key} ${JSON.stringify(await read[await redis.type(key)]?.(key))}`);
  return all.join('\n');
}
