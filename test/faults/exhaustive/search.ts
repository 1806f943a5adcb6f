/**
 * Depth first over every sequence of choices, by running each from the beginning: the world is the program itself, which
 * cannot be put back a step. A run ends early where it comes to a state that was seen with no less to spare.
 */

/** `spare`: how much may still go otherwise than usual from here on; more allows all that less does. */
export interface ChoiceState {
  readonly key: string;
  readonly spare: number;
}

export interface RunChoices {
  /** Answers a choice below `count`. `state` names the state the choice is made in; undefined: the run is to end here. */
  choose(count: number, state: () => ChoiceState): number | undefined;
}

export interface SearchLimits {
  /** Runs at most. */
  readonly runsMax: number;
  /** Looked at between two runs. */
  readonly enough: () => boolean;
}

export interface Searched {
  /** Distinct states in which there was a choice. */
  readonly states: number;
  /** Runs made, those that were cut short included. */
  readonly schedules: number;
  /** Runs that came to a state seen before. */
  readonly pruned: number;
  readonly choicesMost: number;
  /** Nothing was left out. */
  readonly complete: boolean;
}

/** Runs until every sequence was had or a limit is reached. `run` answers when its choices are over. */
export async function search(
  run: (choices: RunChoices, prefix: readonly number[]) => Promise<void>,
  limits: SearchLimits,
): Promise<Searched> {
  /** State to the most it was seen with to spare. */
  const seen = new Map<string, number>();
  const open: (readonly number[])[] = [[]];
  let schedules = 0;
  let pruned = 0;
  let choicesMost = 0;
  while (open.length > 0 && schedules < limits.runsMax && !limits.enough()) {
    const prefix = open.pop() ?? [];
    const chosen: number[] = [];
    await run(
      {
        choose(count, state) {
          const place = chosen.length;
          if (place < prefix.length) {
            const choice = prefix[place] ?? 0;
            if (choice >= count) throw new Error(`choice ${choice} of ${count}: the run is not the one recorded`);
            chosen.push(choice);
            return choice;
          }
          const { key, spare } = state();
          const before = seen.get(key);
          if (before !== undefined && before >= spare) {
            pruned += 1;
            return undefined;
          }
          seen.set(key, spare);
          for (let other = count - 1; other > 0; other--) open.push([...chosen, other]);
          chosen.push(0);
          return 0;
        },
      },
      prefix,
    );
    schedules += 1;
    choicesMost = Math.max(choicesMost, chosen.length);
  }
  return { states: seen.size, schedules, pruned, choicesMost, complete: open.length === 0 };
}

/** Replays one sequence, and takes the first of everything after it. */
export function replayed(prefix: readonly number[]): RunChoices {
  let place = 0;
  return { choose: (count) => Math.min(count - 1, prefix[place++] ?? 0) };
}
