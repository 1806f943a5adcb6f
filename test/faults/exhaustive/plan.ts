/**
 * What is searched: which provider, which foreign writer, within which bounds. Every schedule within the bounds is had,
 * so that the same run always comes to the same states.
 */
import type { ModeName } from '../sim/provider-modes.ts';
import type { Bounds } from './turns.ts';
import type { WriterName } from './writers.ts';

export interface Task {
  readonly mode: ModeName;
  readonly writer: WriterName;
  readonly bounds: Bounds;
}

export const modes = ['strict', 'strictFamily', 'grace', 'nonRotating'] as const satisfies readonly ModeName[];
export const foreigners = ['nobody', 'saver', 'person', 'refresher'] as const satisfies readonly WriterName[];

/** Faults and turns taken away, by mode and then by writer in the order above. */
type Deviations = Readonly<Record<(typeof modes)[number], readonly [number, number, number, number]>>;

/** Two minutes of one core. */
const usual: Deviations = {
  strict: [2, 1, 1, 1],
  strictFamily: [1, 0, 0, 0],
  grace: [2, 0, 0, 1],
  nonRotating: [1, 0, 0, 0],
};
const quick: Deviations = {
  strict: [1, 0, 0, 0],
  strictFamily: [0, 0, 0, 0],
  grace: [0, 0, 0, 0],
  nonRotating: [0, 0, 0, 0],
};
/** Hours. */
const long: Deviations = {
  strict: [3, 2, 2, 2],
  strictFamily: [3, 2, 2, 2],
  grace: [3, 2, 2, 2],
  nonRotating: [2, 2, 2, 2],
};

export const faultsMax = 2;

/** A search that a machine under load has not ended by then is left unfinished, and said to be (ms). */
export const budgetMs = { usual: 600_000, quick: 60_000, long: 12 * 3_600_000 } as const;

export function planFor(options: { readonly long: boolean; readonly quick: boolean }): readonly Task[] {
  const deviations = options.quick ? quick : options.long ? long : usual;
  return modes.flatMap((mode) =>
    foreigners.map((writer, place) => ({
      mode,
      writer,
      bounds: { faultsMax, deviationsMax: deviations[mode][place] ?? 0, hintsAreLocal: !options.long },
    })),
  );
}

/** `strict:saver:0.0.3.1`; with a `+` before the choices where hints give turns away. */
export function replayText({ mode, writer, bounds }: Task, taken: readonly number[]): string {
  return `${mode}:${writer}:${bounds.hintsAreLocal ? '' : '+'}${taken.join('.')}`;
}

/** Reads what `replayText` wrote. Throws where it is none. */
export function readReplay(text: string): { readonly task: Task; readonly taken: readonly number[] } {
  const [modeWord, writerWord, choices = ''] = text.split(':');
  const mode = modes.find((one) => one === modeWord);
  const writer = foreigners.find((one) => one === writerWord);
  const taken = choices === '' ? [] : choices.replace('+', '').split('.').map(Number);
  if (mode === undefined || writer === undefined || !taken.every(Number.isInteger))
    throw new Error(`no replay: ${text} (mode:writer:choices)`);
  const everything = Number.POSITIVE_INFINITY;
  const bounds = { faultsMax: everything, deviationsMax: everything, hintsAreLocal: !choices.startsWith('+') };
  return { task: { mode, writer, bounds }, taken };
}
