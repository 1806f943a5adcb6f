/** Cases worked through by several lanes, and again where the cut never came: a machine under load may miss a short limit. */

/** A case whose cut has not fired is given back so often before that is a failure. */
const triesMax = 4;

/** Runs `work` for every case; `work` answers false where it is to be done again. Those that never were come back. */
export async function eachOf<Lane, Case>(
  cases: readonly Case[],
  lanes: readonly Lane[],
  work: (one: Case, lane: Lane, tries: number) => Promise<boolean>,
): Promise<readonly Case[]> {
  const line = cases.map((one) => ({ one, tries: 0 }));
  const missed: Case[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let next = line.shift(); next !== undefined; next = line.shift()) {
        if (await work(next.one, lane, next.tries)) continue;
        if (next.tries + 1 < triesMax) line.push({ one: next.one, tries: next.tries + 1 });
        else missed.push(next.one);
      }
    }),
  );
  return missed;
}
