/** Sabotages of what decides who is refreshed and when: inventory, sweep, queues, flags, lifetimes. */
import type { Sabotage } from './sabotage.ts';

const inFile = (name: string, titled?: string) => ({
  test: `test/integration/${name}.test.ts`,
  ...(titled === undefined ? {} : { titled }),
});
const unit = (name: string) => ({ test: `test/unit/${name}.test.ts` });

export const scheduleSabotages: readonly Sabotage[] = [
  {
    name: 'a flag outlives the version it judged',
    breaks: 'a flag is void once AWSCURRENT differs',
    file: 'src/connection/standing.ts',
    find: 'flag: flag?.version === sighting.version.versionId ? flag : undefined,',
    replace: 'flag,',
    caughtBy: unit('connection-standing'),
  },
  {
    name: 'any number of connections may vanish',
    breaks: 'if more than 1 % vanish at once, none does',
    file: 'src/schedule/absent.ts',
    find: 'const vanishedShareMax = 0.01;',
    replace: 'const vanishedShareMax = 1;',
    caughtBy: unit('schedule-inventory-gone'),
  },
  {
    name: 'a version nobody swapped in is not looked at',
    breaks: 'a token that is only in the store is not lost',
    file: 'src/schedule/inventory.ts',
    find: '  await lookNow(ports, unfinished);\n',
    replace: '',
    caughtBy: inFile('rotation-other-pod', 'mirrored record too'),
  },
  {
    name: 'one token in two secrets is not noticed',
    breaks: 'both are refused before either falls due',
    file: 'src/schedule/inventory.ts',
    find: '  await refuseSharedTokens(ports, entries);\n',
    replace: '',
    caughtBy: inFile('rotation-spent', 'refuses both'),
  },
  {
    name: 'the sweep asks no breaker',
    breaks: 'connections of a refused client wait untouched',
    file: 'src/schedule/sweep.ts',
    find: "if (health.breaker === 'closed') open.push(group);",
    replace: 'if (health.breaker !== undefined) open.push(group);',
    caughtBy: unit('schedule-sweep'),
  },
  {
    name: 'the sweep asks no host’s wish to wait',
    breaks: 'a 429 is obeyed',
    file: 'src/schedule/sweep.ts',
    find: '    if (health.heldUntil > now) continue;\n    if (health.breaker',
    replace: '    if (health.breaker',
    caughtBy: unit('schedule-sweep'),
  },
  {
    name: 'those about to die wait for the breaker',
    breaks: 'connections within a day of death always probe',
    file: 'src/schedule/sweep.ts',
    find: 'now + settings.lookAgainMs, now + settings.urgentMs);',
    replace: 'now + settings.lookAgainMs, now);',
    caughtBy: unit('schedule-sweep'),
  },
  {
    name: 'what a job throws goes to Redis',
    breaks: 'no token in job data or failure reasons',
    file: 'src/queue/refresh-workers.ts',
    find: '    throw bare(new Error(label));',
    replace: '    throw error;',
    caughtBy: inFile('queue-workers'),
  },
  {
    name: 'a dead job keeps its connection out of the queue',
    breaks: 'nothing dies silently',
    file: 'src/queue/refresh-queues.ts',
    find: "redis.call('EXISTS', base .. job) == 0 or",
    replace: 'false and',
    caughtBy: inFile('queue-refresh'),
  },
  {
    name: 'the spent token is not noted',
    breaks: 'a spent token that comes back is known',
    file: 'src/rotation/renewal.ts',
    find: 'facts.fingerprintOld), facts.fingerprintOld]',
    replace: 'facts.fingerprintOld)]',
    caughtBy: unit('rotation-rules-renewal'),
  },
  {
    name: 'a lease may be shorter than a rotation',
    breaks: 'no second worker spends the same token',
    file: 'config/contradictions.ts',
    find: '    lease >= longest + leaseMarginMs,',
    replace: '    lease >= 0,',
    caughtBy: unit('config-contradictions'),
  },
  {
    name: 'recovery may tick too seldom',
    breaks: 'by the end of the epoch open records are mirrored again',
    file: 'config/contradictions.ts',
    find: "return tickFindings('recover', recover, lease, ' (rotation.lease)');",
    replace: "return tickFindings('recover', recover, lease * 1_000, '');",
    caughtBy: unit('config-contradictions'),
  },
];
