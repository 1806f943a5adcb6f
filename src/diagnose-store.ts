/**
 * Doctor's look at the store: each right to read it, one by one on a secret that is managed, and how far its clock is from
 * ours. The right to write is proven by a write before the first refresh, and here not at all: nothing is changed.
 */
import type { Check, Finding } from './diagnose.ts';
import { hasCode } from './runtime/errors.ts';
import { judgeSkew, skewLimitMs } from './secrets/clock-skew.ts';
import type { Services } from './services.ts';

/** AWS refuses a signature that is further off (Signature Version 4). */
const refusedMs = 300_000;

export function diagnoseStore({ store, config, reachable }: Services): readonly Check[] {
  const found: string[] = [];
  /** A right is asked for on the first secret of the list; without one there is nothing to ask it on. */
  const onOne = (right: string, ask: (name: string) => Promise<unknown>): Check => [
    `store: ${right}`,
    async () => {
      const [name] = found;
      if (name === undefined)
        return { state: 'warn', detail: 'not tried: no managed secret', fix: 'add one with pilotlight import' };
      await ask(name).catch((error: unknown) => {
        // It went between two questions: whoever is told so was allowed to ask.
        if (!hasCode(error, 'store_not_found', 'store_deleted')) throw error;
      });
      return 'allowed';
    },
  ];
  return [
    [
      'store: list',
      async () => {
        for await (const page of store.list()) {
          found.push(...page.slice(0, 2).map(({ name }) => name));
          if (found.length > 0) break;
        }
        if (found.length > 0) return 'managed secrets found';
        return {
          state: 'warn',
          detail: 'no managed secret found',
          fix: `tag secrets ${findWords(config)}, or add one with pilotlight import`,
        };
      },
    ],
    onOne('describe', (name) => store.describe(name)),
    onOne('read', (name) => store.read(name, { stage: 'AWSCURRENT' })),
    onOne('read several', async () => {
      // A batch of one would be an ordinary read.
      for (const answer of await store.readMany(found)) if (answer instanceof Error) throw answer;
    }),
    onOne('list versions', (name) => store.versions(name)),
    ...(config.store.kind === 'aws' ? [['clock', async () => clockFinding(reachable.skew.read())] as const] : []),
  ];
}

function findWords({ store }: Services['config']): string {
  return 'tag' in store.find ? `${store.find.tag.key}=${store.find.tag.value}` : `by the prefix ${store.find.prefix}`;
}

/** Pure: what a skew means for us. */
export function clockFinding(skew: ReturnType<Services['reachable']['skew']['read']>): Finding {
  if (skew === undefined)
    return { state: 'warn', detail: 'the store told no time', fix: 'see the checks of the store' };
  const seconds = Math.round(skew.skewMs / 1_000);
  const detail =
    seconds === 0
      ? 'agrees with the store’s'
      : `${Math.abs(seconds)} s ${seconds > 0 ? 'behind' : 'ahead of'} the store’s`;
  if (judgeSkew(skew, skewLimitMs) !== 'beyond') return detail;
  const fix =
    'set this machine’s clock (NTP): AWS refuses what is signed more than 5 minutes off, and deadlines are told by it';
  return { state: judgeSkew(skew, refusedMs) === 'beyond' ? 'fail' : 'warn', detail, fix };
}
