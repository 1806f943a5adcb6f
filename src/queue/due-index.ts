/**
 * Due and ready sets: the only place where "not before" lives. A connection is due at its nextAt, ready once a sweep has
 * seen that, and due again at lookAgainAt as soon as a job was made of it. The scripts are in due-scripts.ts.
 */
import type { DueIndex, ReadyGroup } from '../schedule/ports.ts';
import { backlogScript, promoteScript, readyScript, takeScript, upcomingScript } from './due-scripts.ts';
import { instant } from './entry-codec.ts';
import { groupName, parseGroupName } from './groups.ts';
import { checkedPrefix, defaultPrefix } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { scriptRunner } from './script.ts';

/** Connections moved per script: a few milliseconds of Redis's one thread. */
const batchMax = 250;

/** Throws redis_unavailable from every call. */
export function createDueIndex(options: { readonly redis: RedisClient; readonly prefix?: string }): DueIndex {
  const run = scriptRunner(options.redis, checkedPrefix(options.prefix ?? defaultPrefix));
  return {
    async promote(now, limit) {
      let moved = 0;
      while (moved < limit) {
        const most = Math.min(batchMax, limit - moved);
        const count = Number(await run(promoteScript, instant(now), most));
        moved += count;
        if (count < most) break;
      }
      return moved;
    },
    async ready() {
      const flat = (await run(readyScript)) as (string | number)[];
      const groups: ReadyGroup[] = [];
      for (let i = 0; i < flat.length; i += 2) {
        const at = parseGroupName(String(flat[i]));
        if (at !== undefined) groups.push({ at, ready: Number(flat[i + 1]) });
      }
      return groups;
    },
    async take(at, count, lookAgainAt, before) {
      const ids: string[] = [];
      const bound = before === undefined ? [] : [instant(before)];
      while (ids.length < count) {
        const most = Math.min(batchMax, count - ids.length);
        const taken = (await run(takeScript, groupName(at), most, instant(lookAgainAt), ...bound)) as string[];
        ids.push(...taken);
        if (taken.length < most) break;
      }
      return ids;
    },
    async upcoming(at, count) {
      if (count <= 0) return [];
      return (await run(upcomingScript, groupName(at), count)) as string[];
    },
    async backlog(now) {
      const [due, ready] = (await run(backlogScript, instant(now))) as [number, number];
      return { due, ready };
    },
  };
}
