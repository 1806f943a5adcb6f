/**
 * The proof of the proof: each mechanism of the protocol is taken away once, in a copy of the tree, and a test must turn
 * red. One that stays green is a test that was never written. The control comes first: without a sabotage every test used
 * here is green.
 */
import { createPaint } from '../../src/cli/paint.ts';
import { table } from '../../src/cli/table.ts';
import { sabotages } from './sabotages/list.ts';
import { type Control, catcherName, controlsOf, type Sabotage } from './sabotages/sabotage.ts';
import { copyTree, type Tree } from './sabotages/tree.ts';
import { runCatcher, type Verdict } from './sabotages/verdict.ts';
import type { Failure, Suite, SuiteOptions, SuiteResult } from './suite.ts';

/** Trees at a time. */
const lanes = 2;
/** What shows a control again. */
const replay = 'node test/faults/main.ts --only sabotages';
/** Of a quick run: every so many-th sabotage. */
const quickEvery = 10;

interface Tried {
  readonly sabotage: Sabotage;
  readonly verdict: Verdict;
  readonly seconds: number;
}

async function run({ quick, replay: asked, say }: SuiteOptions): Promise<SuiteResult> {
  const chosen = sabotages.filter(({ name }, place) =>
    asked === undefined ? !quick || place % quickEvery === 0 : name === asked,
  );
  if (chosen.length === 0) throw new Error(`there is no sabotage "${asked}"`);
  const trees = Array.from({ length: lanes }, copyTree);
  const removeAll = () => {
    for (const tree of trees) tree.remove();
  };
  process.once('exit', removeAll);
  try {
    const controls = controlsOf(chosen.map(({ caughtBy }) => caughtBy));
    say(`control: ${controls.length} test files in an unharmed copy`);
    const harmed = (await inLanes(controls, trees, runControl)).flat();
    say(`${chosen.length} sabotages`);
    const tried = await inLanes(chosen, trees, async (sabotage, tree) => {
      const harm = harmed.find(({ covers }) => covers(sabotage.caughtBy));
      const one = await attempt(sabotage, tree, harm?.what);
      say(`${word(one.verdict)} after ${one.seconds} s: ${sabotage.name} (${reasonOf(one.verdict)})`);
      return one;
    });
    return resultOf(harmed, tried);
  } finally {
    process.off('exit', removeAll);
    removeAll();
  }
}

interface Harm {
  readonly what: string;
  readonly covers: Control['covers'];
}

/** A test that is red by itself proves nothing; one that a busy machine made red once is asked again. */
async function runControl({ catcher, covers }: Control, { directory }: Tree): Promise<Harm[]> {
  let verdict = await runCatcher(catcher, directory);
  if (verdict.kind !== 'green') verdict = await runCatcher(catcher, directory);
  if (verdict.kind === 'green') return [];
  return [{ what: `${catcherName(catcher)} is not green without a sabotage (${reasonOf(verdict)})`, covers }];
}

async function attempt(sabotage: Sabotage, tree: Tree, harm: string | undefined): Promise<Tried> {
  const startedMs = performance.now();
  const verdict = await verdictOn(sabotage, tree, harm);
  return { sabotage, verdict, seconds: Math.round((performance.now() - startedMs) / 100) / 10 };
}

async function verdictOn(sabotage: Sabotage, tree: Tree, harm: string | undefined): Promise<Verdict> {
  if (harm !== undefined) return { kind: 'broken', why: harm };
  const patched = tree.patch(sabotage);
  if ('why' in patched) return { kind: 'broken', why: patched.why };
  try {
    return await runCatcher(sabotage.caughtBy, tree.directory);
  } finally {
    patched.restore();
  }
}

async function inLanes<T, R>(all: readonly T[], trees: readonly Tree[], act: (one: T, tree: Tree) => Promise<R>) {
  const results: R[] = [];
  let next = 0;
  async function lane(tree: Tree) {
    for (let place = next++; place < all.length; place = next++) results[place] = await act(all[place] as T, tree);
  }
  await Promise.all(trees.map(lane));
  return results;
}

function word({ kind }: Verdict): string {
  return { red: 'caught', green: 'SURVIVED', broken: 'BROKEN' }[kind];
}

function reasonOf(verdict: Verdict): string {
  if (verdict.kind === 'green') return `${verdict.tests} tests stayed green`;
  return verdict.kind === 'red' ? verdict.by : verdict.why;
}

function resultOf(harmed: readonly Harm[], tried: readonly Tried[]): SuiteResult {
  const survived = tried.filter(({ verdict }) => verdict.kind === 'green');
  const failures = tried.flatMap(({ sabotage, verdict }): Failure[] => {
    if (verdict.kind === 'red') return [];
    const property = verdict.kind === 'green' ? 'sabotagesSurvived' : 'other';
    const what = `${sabotage.name}: ${reasonOf(verdict)} (${catcherName(sabotage.caughtBy)})`;
    return [{ property, what, replay: `${replay} --replay "${sabotage.name}"` }];
  });
  return {
    counts: { sabotages: tried.length, sabotagesSurvived: survived.length },
    failures: [...harmed.map(({ what }) => ({ property: 'other', what: `control: ${what}`, replay })), ...failures],
    table: table({
      columns: ['SABOTAGE', 'BREAKS', 'CAUGHT BY', 'SECONDS'].map((title) => ({ title })),
      rows: tried.map(({ sabotage, verdict, seconds }) => [
        sabotage.name,
        sabotage.breaks,
        verdict.kind === 'red' ? catcherName(sabotage.caughtBy) : word(verdict),
        String(seconds),
      ]),
      width: undefined,
      paint: createPaint(false),
    }),
  };
}

export const suite: Suite = { name: 'sabotages', run };
