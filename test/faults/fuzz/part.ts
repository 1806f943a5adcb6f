/**
 * A part of the fuzzing: inputs of one kind and what must hold for each. Inputs are drawn in rounds of their own seed, so that
 * one that fails ends its round only, and part, seed and path name it for ever.
 */
import fc from 'fast-check';
import type { Failure } from '../suite.ts';

/** What one input showed that must not be. */
export class Broken extends Error {
  /** As `Failure` has it. */
  readonly property: string;

  constructor(property: string, what: string) {
    super(what);
    this.property = property;
  }
}

/** Counts what inputs came to, so that a part that reaches nothing is seen. */
export type Note = (state: string) => void;

export interface PartOptions<T> {
  readonly name: string;
  /** Its share of all inputs. */
  readonly share: number;
  readonly cases: fc.Arbitrary<T>;
  /** Tries one input. Throws Broken; anything else it throws is a crash of the code tried. */
  readonly attempt: (one: T, note: Note) => void | Promise<void>;
  /** The input for a person, without a canary. */
  readonly show: (one: T) => string;
  /** States it must reach, each about once for so many inputs of its own; a quarter of that is enough. */
  readonly reaches?: Readonly<Record<string, number>>;
  /** Longest an input may take, ms. */
  readonly budgetMs?: number;
  /** What is looked at once a round. */
  readonly endRound?: () => void | Promise<void>;
}

export interface Part {
  readonly name: string;
  readonly share: number;
  readonly reaches: Readonly<Record<string, number>>;
  /** One round of inputs; with a path, the one it names. */
  run(
    round: { readonly seed: number; readonly inputs: number; readonly path?: string },
    note: Note,
  ): Promise<RoundResult>;
}

export interface RoundResult {
  readonly inputs: number;
  readonly failure?: Failure;
}

/** A hundred times what any input takes, and far less than what grows with the square of it; the fastest of three tries counts. */
const budgetMsUsual = 2_000;
/** Enough to make most inputs small; a slow one must not be tried for ever. */
const shrinksMax = 1_500;

export function fuzzPart<T>(options: PartOptions<T>): Part {
  const { name, share, cases, attempt, show, reaches = {}, budgetMs = budgetMsUsual, endRound } = options;

  async function tryOne(one: T, note: Note): Promise<void> {
    let fastestMs = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3 && fastestMs > budgetMs; tries++) {
      const startedMs = performance.now();
      const attempted = attempt(one, tries === 0 ? note : () => {});
      if (attempted !== undefined) await attempted;
      fastestMs = Math.min(fastestMs, performance.now() - startedMs);
    }
    if (fastestMs > budgetMs) throw new Broken('other', `took ${Math.round(fastestMs)} ms, ${budgetMs} at most`);
  }

  async function run(round: Parameters<Part['run']>[0], note: Note): Promise<RoundResult> {
    const { seed, inputs, path } = round;
    let failures = 0;
    const property = fc.asyncProperty(cases, async (one) => {
      if (failures > shrinksMax) return;
      try {
        await tryOne(one, note);
      } catch (error) {
        failures += 1;
        throw error;
      }
    });
    const details = await fc.check(property, {
      seed,
      numRuns: inputs,
      ...(path === undefined ? {} : { path, endOnFailure: true }),
    });
    const replayOf = (place: string) => `${name}@${seed}@${place}`;
    if (details.failed) {
      const [one] = details.counterexample ?? [];
      const replay = replayOf(details.counterexamplePath ?? '0');
      const shown = one === undefined ? '' : show(one);
      return { inputs: details.numRuns + details.numShrinks, failure: failureOf(details.errorInstance, shown, replay) };
    }
    try {
      await endRound?.();
      return { inputs: details.numRuns };
    } catch (error) {
      return { inputs: details.numRuns, failure: failureOf(error, '', replayOf('round')) };
    }
  }

  return { name, share, reaches, run };
}

const shownMax = 1_200;

function failureOf(error: unknown, shown: string, replay: string): Failure {
  const input = shown === '' ? '' : `; input: ${shown.length > shownMax ? `${shown.slice(0, shownMax)}...` : shown}`;
  const command = `node test/faults/main.ts --only fuzz --replay '${replay}'`;
  if (error instanceof Broken) return { property: error.property, what: error.message + input, replay: command };
  // The message of a crash may quote its input: its class and the place in our code are told.
  const crash = error instanceof Error ? error : new Error('a thrown value');
  const place =
    /\((?:file:\/\/)?[^)]*?\/((?:src|config|test)\/[^):]+:\d+)/.exec(crash.stack ?? '')?.[1] ?? 'unknown place';
  return { property: 'other', what: `threw ${crash.name} at ${place}${input}`, replay: command };
}
