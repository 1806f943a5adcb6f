/** The runner of the fault suites: what it is asked, what suites come to together, and that no suite can hang or crash it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { childArguments, readArguments } from '../faults/arguments.ts';
import { runInLanes } from '../faults/lanes.ts';
import { sabotages } from '../faults/sabotages/list.ts';
import { damage } from '../faults/sabotages/sabotage.ts';
import type { Failure, SuiteResult } from '../faults/suite.ts';
import { type SuiteEntry, suites } from '../faults/suites.ts';
import { tablesOf } from '../faults/tables.ts';
import { addUp, countsDue, type Ended, isSuiteResult, problemsOf, zeroDue } from '../faults/verdict.ts';

const replayOf = (suite: string) => `again ${suite}`;
const entry = (name: string, owes: readonly string[] = []): SuiteEntry => ({ name, usualSeconds: 1, owes });
const failure: Failure = { property: 'lostTokens', what: 'one was lost', replay: 'node it --replay 7' };

function ended(name: string, result: Partial<SuiteResult>, owes: readonly string[] = []): Ended {
  return { suite: entry(name, owes), seconds: 1, result: { counts: {}, failures: [], ...result } };
}

const died: Ended = {
  suite: entry('b'),
  seconds: 9,
  died: { why: 'hung: killed after 9 s', lastLines: ['at step 3'] },
};

/** A whole run in which every property held. */
const zeros = Object.fromEntries(zeroDue.map((name) => [name, 0]));
const green = ended(
  'a',
  {
    counts: { ...zeros, ...Object.fromEntries(countsDue.map((name) => [name, 3])) },
    rareStates: { 'lease lost after the POST': { reached: 5, wanted: 5 } },
  },
  countsDue,
);

function problems(all: readonly Ended[], change: { replay?: string; whole?: boolean } = {}): string[] {
  const asked = { chosen: all.map(({ suite }) => suite), replay: undefined, whole: true, ...change };
  return problemsOf(addUp(all, replayOf), asked);
}

describe('adding up', () => {
  it('adds counts of one name over all suites and keeps those only one knows', () => {
    const { counts } = addUp(
      [ended('a', { counts: { kills: 2, lostTokens: 0 } }), ended('b', { counts: { kills: 3, grants: 300 } })],
      replayOf,
    );
    expect(counts).toMatchObject({ kills: 5, lostTokens: 0, grants: 300 });
  });

  it('says null, never 0, of what nobody counted', () => {
    const { counts } = addUp([ended('a', { counts: { seeds: 1 } })], replayOf);
    expect(counts).toMatchObject({ seeds: 1, lostTokens: null, windowLosses: null });
    expect(Object.keys(counts)).toEqual(expect.arrayContaining([...zeroDue, ...countsDue]));
  });

  it('counts a failure that its suite named and did not count', () => {
    const { counts } = addUp([ended('a', { counts: { lostTokens: 0 }, failures: [failure, failure] })], replayOf);
    expect(counts.lostTokens).toBe(2);
  });

  it('counts rare states that were reached often enough, and names the others with their suites', () => {
    const totals = addUp(
      [
        ended('a', { rareStates: { often: { reached: 9, wanted: 5 }, seldom: { reached: 4, wanted: 5 } } }),
        ended('b', { rareStates: { often: { reached: 1, wanted: 1 }, never: { reached: 0, wanted: 0 } } }),
      ],
      replayOf,
    );
    expect(totals.rareStates).toBe(2);
    expect(totals.rareStatesMissed).toEqual([{ suite: 'a', state: 'seldom', reached: 4, wanted: 5 }]);
  });

  it('takes a suite that died for a failure, with the command that runs it again', () => {
    expect(addUp([green, died], replayOf).failures).toEqual([
      { property: 'other', what: 'hung: killed after 9 s', replay: 'again b' },
    ]);
  });
});

describe('the verdict', () => {
  it('is green where every property held and everything owed was tried', () => {
    expect(problems([green])).toEqual([]);
  });

  it.each(zeroDue)('is red where %s is not zero, or was never counted in a whole run', (name) => {
    const other = Object.fromEntries(Object.entries(green.result?.counts ?? {}).filter(([key]) => key !== name));
    expect(problems([{ ...green, result: { counts: { ...other, [name]: 1 }, failures: [] } }])).toEqual([
      `${name} is 1, not 0`,
    ]);
    const uncounted = { ...green, result: { counts: other, failures: [] } };
    expect(problems([uncounted])).toEqual([`${name} was not counted by any suite`]);
    expect(problems([uncounted], { whole: false })).toEqual([]);
  });

  it.each(countsDue)('is red where %s is zero or missing', (name) => {
    const counts = { ...green.result?.counts, [name]: 0 };
    expect(problems([{ ...green, result: { counts, failures: [] } }])).toEqual([`${name} is 0: nothing was tried`]);
    const { [name]: _, ...without } = counts;
    expect(problems([{ ...green, result: { counts: without, failures: [] } }])).toEqual([
      `${name} is not counted: nothing was tried`,
    ]);
  });

  it('is red for a failure of any kind, a suite that died, a rare state missed and a count that is none', () => {
    expect(problems([green, ended('b', { failures: [{ ...failure, property: 'other' }] })])).toEqual(['1 failure']);
    expect(problems([green, died])).toEqual(['1 failure']);
    expect(problems([green, ended('b', { rareStates: { never: { reached: 0, wanted: 9 } } })])).toEqual([
      'b reached "never" 0 times, 9 wanted',
    ]);
    expect(problems([green, ended('b', { counts: { grants: Number.NaN } })])).toEqual([
      'grants is NaN, which is no count',
    ]);
  });

  it('asks of a replay nothing but that its one case holds', () => {
    const nothing = ended('a', { rareStates: { never: { reached: 0, wanted: 9 } } }, ['seeds']);
    expect(problems([nothing], { replay: '7', whole: false })).toEqual([]);
    expect(problems([ended('a', { failures: [failure] })], { replay: '7', whole: false })).toEqual([
      '1 failure',
      'lostTokens is 1, not 0',
    ]);
  });

  it('every count that must not be zero is owed by a suite there is', () => {
    expect(suites.flatMap(({ owes }) => owes)).toEqual(expect.arrayContaining([...countsDue, 'sabotages']));
  });
});

describe('what a person reads', () => {
  it('shows each suite, its counts, failures with their replays and the last words of one that died', () => {
    const all = [green, ended('c', { failures: [failure], table: ['| line for the README |'] }), died];
    const text = tablesOf(all, addUp(all, replayOf), problems(all)).join('\n');
    for (const words of [
      /^SUITE +SECONDS +FAILURES +RARE STATES +COUNTS$/m,
      /^a +1 +0 +1\/1 +lostTokens 0, /m,
      /^b +9 +DIED/m,
      /^c:\n\| line for the README \|$/m,
      /^windowLosses +not counted$/m,
      /hung: killed after 9 s; its last words:\n {2}\| at step 3$/m,
      /lostTokens: one was lost\n {4}node it --replay 7$/m,
      /^RED: 2 failures$/m,
    ])
      expect(text).toMatch(words);
    expect(tablesOf([green], addUp([green], replayOf), []).at(-1)).toBe('Every property held.');
  });
});

describe('arguments', () => {
  const asked = (...argv: string[]) => {
    const read = readArguments(argv);
    return read.ok ? read.asked : read;
  };
  const names = (...argv: string[]) => {
    const read = readArguments(argv);
    return read.ok ? read.asked.chosen.map(({ name }) => name) : [];
  };

  it('run every suite by default, the longest first, two at a time, from seed 1', () => {
    expect(names()).toHaveLength(suites.length);
    const seconds = readArguments([]);
    const usual = seconds.ok ? seconds.asked.chosen.map(({ usualSeconds }) => usualSeconds) : [];
    expect(usual).toEqual(usual.toSorted((a, b) => b - a));
    expect(asked()).toMatchObject({ json: false, long: false, quick: false, seed: 1, lanes: 2, child: false });
  });

  it('choose suites with commas or one by one', () => {
    expect(names('--only', 'fuzz,peer').toSorted()).toEqual(['fuzz', 'peer']);
    expect(names('--only', 'fuzz', '--only', 'peer, exhaustive').toSorted()).toEqual(['exhaustive', 'fuzz', 'peer']);
  });

  it.each<[RegExp, string[]]>([
    [/there is no suite "nope"/, ['--only', 'fuzz,nope']],
    [/there is no suite ""/, ['--only', '']],
    [/--seed takes a whole number/, ['--seed', '1.5']],
    [/--lanes takes a whole number from 1/, ['--lanes', '0']],
    [/cannot both be/, ['--long', '--quick']],
    [/--replay needs --only with one suite/, ['--replay', '7']],
    [/--replay needs --only with one suite/, ['--replay', '7', '--only', 'fuzz,peer']],
    [/--child needs --only/, ['--child']],
    [/nonsense/, ['--nonsense']],
  ])('are refused with %s', (says, argv) => {
    expect(asked(...argv)).toMatchObject({ ok: false, exit: 2, says: expect.stringMatching(says) });
  });

  it('reach the child as they were given, a replay that looks like an option included', () => {
    const read = readArguments(['--only', 'fuzz', '--seed', '9', '--quick', '--replay=--seed 3,{"a":1}', '--json']);
    if (!read.ok) throw new Error(read.says);
    const child = readArguments(childArguments(read.asked.chosen[0] ?? entry(''), read.asked));
    expect(child).toEqual({ ok: true, asked: { ...read.asked, json: false, child: true } });
  });
});

describe('lanes', () => {
  const script = (code: string): SuiteEntry => ({ ...entry(code), usualSeconds: 1 });
  const send = `process.send({ counts: { seeds: 4 }, failures: [] }, () => process.exit(0));`;
  const said: string[] = [];

  async function run(
    codes: readonly string[],
    change: { limitMs?: number; lanes?: number; signal?: AbortSignal } = {},
  ) {
    said.length = 0;
    return runInLanes(codes.map(script), {
      lanes: 2,
      limitMs: 20_000,
      command: ({ name }) => [process.execPath, '-e', name],
      say: (_suite, line) => void said.push(line),
      signal: new AbortController().signal,
      ...change,
    });
  }

  it('bring back what each suite found, in the order they were given', async () => {
    const found = await run([`setTimeout(() => {${send}}, 200)`, send, send]);
    expect(found.map(({ result }) => result?.counts)).toEqual([{ seeds: 4 }, { seeds: 4 }, { seeds: 4 }]);
    expect(said.filter((line) => line === 'begins')).toHaveLength(3);
  });

  it('take a crash, a result that is none and silence for the end of one suite only', async () => {
    const found = await run([
      `console.error('before the fall'); throw new Error('fell')`,
      `process.send({ counts: { seeds: 'many' }, failures: [] }, () => process.exit(0))`,
      '',
      `${send.replace('exit(0)', 'exit(3)')}`,
      send,
    ]);
    expect(found.map(({ died: death }) => death?.why)).toEqual([
      'ended with exit code 1',
      'ended without a result',
      'ended without a result',
      'ended with exit code 3',
      undefined,
    ]);
    expect(found[0]?.died?.lastLines).toEqual(expect.arrayContaining(['before the fall']));
  });

  it('end a suite that hangs when its time is up, and what it started with it', async () => {
    const grandchild = `const c = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });`;
    const hanging = `${grandchild} console.log('pid ' + c.pid); process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`;
    const [found] = await run([hanging], { limitMs: 1_500 });
    expect(found?.died?.why).toBe('hung: killed after 1.5 s');
    const pid = Number(said.find((line) => line.startsWith('pid '))?.slice(4));
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it('end at once when told to, and begin no other', async () => {
    const stop = new AbortController();
    const hanging = `console.log('up'); setInterval(() => {}, 1000);`;
    const running = run([hanging, hanging, send], { signal: stop.signal });
    await expect.poll(() => said.filter((line) => line === 'up').length).toBe(2);
    stop.abort();
    await expect(running).rejects.toThrow();
    expect(said.filter((line) => line === 'begins')).toHaveLength(2);
  });

  it('believe no child that sends something else', () => {
    expect(isSuiteResult({ counts: { seeds: 1 }, failures: [failure], table: ['x'] })).toBe(true);
    for (const wrong of [undefined, 1, {}, { counts: [], failures: [] }, { counts: {}, failures: [{}] }])
      expect(isSuiteResult(wrong)).toBe(false);
    expect(isSuiteResult({ counts: {}, failures: [], rareStates: { a: { reached: 1 } } })).toBe(false);
    expect(isSuiteResult({ counts: {}, failures: [], table: [1] })).toBe(false);
  });
});

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('CI runs every suite once, whole or scaled down', () => {
  const chosen = [...textOf('.ci/run').matchAll(/test:faults -- .*--only ([a-z,-]+)/g)];
  expect(chosen).toHaveLength(2);
  expect(chosen.flatMap(([, names = '']) => names.split(',')).sort()).toEqual(suites.map(({ name }) => name).sort());
});

describe('sabotages', () => {
  it.each(sabotages)('$name: still fits the code, and the test that is to catch it is there', (sabotage) => {
    expect(damage(textOf(sabotage.file), sabotage)).toHaveProperty('text');
    const { caughtBy } = sabotage;
    if ('suite' in caughtBy) expect(suites.map(({ name }) => name)).toContain(caughtBy.suite);
    else expect(textOf(caughtBy.test)).toMatch(new RegExp(caughtBy.titled ?? ''));
  });

  it('do not fit where what they take out is gone, or there twice', () => {
    const sabotage = { name: 'x', breaks: 'y', file: 'a.ts', find: 'f();', replace: '', caughtBy: { suite: 'fuzz' } };
    expect(damage('f();', sabotage)).toEqual({ text: '' });
    expect(damage('g();', sabotage)).toEqual({ why: 'what it replaces is in a.ts 0 times, not once' });
    expect(damage('f();f();', sabotage)).toEqual({ why: 'what it replaces is in a.ts 2 times, not once' });
    expect(damage('f();', { ...sabotage, replace: 'f();' })).toEqual({ why: 'it changes nothing' });
    expect(damage('f();', { ...sabotage, replace: 'f(' })).toEqual({ why: 'it leaves a.ts unreadable' });
  });
});

/** A process that ended and was not yet waited for by init counts as ended. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
