/** Every place a token could have leaked to: what workers printed, their folders and audit trails, and Redis. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leaksIn, redisText } from '../byte-cuts/leaks.ts';
import type { FaultWorld } from './world.ts';

/** Tokens searched for in every disguise; any other is found by the mark that all bear. */
const disguisedMax = 8;
/** Searched at a time; pieces overlap by more than a piece of a token that counts. */
const pieceLength = 100_000;
const overlap = 64;

export async function leaks(world: FaultWorld): Promise<readonly string[]> {
  const tokens = [...world.customers.keys()]
    .slice(0, disguisedMax)
    .flatMap((connection) => world.sandbox.oracle.tokens(connection).map(({ value }) => value));
  const found: string[] = [];
  async function search(where: string, text: string): Promise<void> {
    for (let from = 0; from < text.length; from += pieceLength) {
      const inPiece = leaksIn(text.slice(from, from + pieceLength + overlap), tokens);
      found.push(...inPiece.map((what) => `${what} in ${where}`));
      // Others wait for this process: doubles, fronts and doors.
      await new Promise<void>((next) => setImmediate(next));
    }
  }
  for (const worker of world.workers) await search(`the log of ${worker.name}`, worker.printed());
  for (const file of readdirSync(world.directory, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.parentPath.includes('/redis-')) continue;
    const path = join(file.parentPath, file.name);
    await search(path.slice(world.directory.length + 1), readFileSync(path, 'latin1'));
  }
  await search('Redis', await redisText(world.door.redis()));
  return found;
}
