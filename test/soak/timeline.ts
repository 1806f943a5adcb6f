/** Which trouble begins and ends when, and how often each struck in all. */
import type { Going, Trouble } from './troubles.ts';

export interface Timeline {
  /** Begins and ends what is due on this day; answers the names of what began. */
  step(days: number): Promise<readonly string[]>;
  /** Ends whatever is still going on. */
  endAll(): void;
  /** By name; 0 where a trouble was over without having struck. */
  readonly struck: ReadonlyMap<string, number>;
}

/** Takes the troubles earliest first. */
export function createTimeline(troubles: readonly Trouble[]): Timeline {
  const waiting = [...troubles];
  const going: { readonly trouble: Trouble; readonly from: number; readonly it: Going }[] = [];
  const struck = new Map<string, number>();
  const end = (begun: (typeof going)[number]) => {
    going.splice(going.indexOf(begun), 1);
    begun.it.end();
    const { name } = begun.trouble;
    struck.set(name, (struck.get(name) ?? 0) + begun.it.struck());
  };
  return {
    struck,
    async step(days) {
      for (const begun of going.filter(({ trouble, from }) => days >= from + trouble.days)) end(begun);
      const names: string[] = [];
      for (let next = waiting[0]; next !== undefined && next.day <= days; next = waiting[0]) {
        waiting.shift();
        going.push({ trouble: next, from: days, it: await next.begin() });
        names.push(next.name);
      }
      return names;
    },
    endAll() {
      for (const begun of [...going]) end(begun);
    },
  };
}
