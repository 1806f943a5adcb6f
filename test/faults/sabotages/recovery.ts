/** Sabotages of what recovery leaves alone, sets aside and lets go. */
import { inFile, type Sabotage } from './sabotage.ts';

export const recoverySabotages: readonly Sabotage[] = [
  {
    name: 'answers without a token count as unwritten',
    breaks: 'a provider that fails stops no other',
    file: 'src/rotation/refusal.ts',
    find: '  record.setAside(true);\n',
    replace: '',
    caughtBy: inFile('rotation-set-aside', 'failed for as many'),
  },
  {
    name: 'recovery rests though an answer lies there',
    breaks: 'a sealed token waits for no next try',
    file: 'src/rotation/resting.ts',
    find: '    if (!(await holdsNothing(record, ports))) return false;\n',
    replace: '',
    caughtBy: inFile('rotation-resting', 'sealed by a try in between'),
  },
  {
    name: 'what a deleted secret had open goes while it can be restored',
    breaks: 'a secret that is restored finds its token',
    file: 'src/rotation/let-go.ts',
    find: '    await ports.store.describe(ports.nameOf(id));\n    return false;\n',
    replace: '    await ports.store.describe(ports.nameOf(id));\n    return true;\n',
    caughtBy: inFile('rotation-gone', 'older than any deleted secret'),
  },
  {
    name: 'records go as soon as the store knows nothing of their secret',
    breaks: 'a wrong Region for some days loses nothing',
    file: 'src/rotation/let-go.ts',
    find: 'intent.startedAt + goneKeepMs <= ports.clock.now()',
    replace: 'intent.startedAt <= ports.clock.now()',
    caughtBy: inFile('rotation-gone', 'knows nothing of any secret'),
  },
];
