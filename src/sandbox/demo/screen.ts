/** Puts progress on a screen: drawn over in place on a terminal, a line every few days anywhere else. */
import { dayMs } from './calendar.ts';
import type { Told } from './chronicle.ts';
import { clip, type Paint } from './paint.ts';
import type { Screen } from './ports.ts';
import { type Progress, picture, progressLine, toldLine } from './view.ts';

export interface Display {
  /** A line that stays. */
  say(line: string): void;
  /** Something happened; shown at once where nothing is drawn over. */
  told(told: Told, startAt: number): void;
  /** The state of things; drawn as often as is worth while. */
  show(progress: Progress): void;
}

const esc = '\u001b';
/** Some terminals do not tell their width. */
const columnsUnknown = 80;
const columnsMin = 20;
/** Lines in a log file: about this many a run. */
const linesWanted = 20;

export function createDisplay(screen: Screen, paint: Paint): Display {
  let drawn = 0;
  let lineAt = Number.NEGATIVE_INFINITY;
  const erase = () => {
    if (drawn > 0) screen.write(`${esc}[${drawn}A${esc}[0J`);
    drawn = 0;
  };
  return {
    say(line) {
      erase();
      screen.write(`${line}\n`);
    },
    told(told, startAt) {
      if (!screen.terminal) screen.write(`${toldLine(told, startAt, paint)}\n`);
    },
    show(progress) {
      if (screen.terminal) {
        const columns = screen.columns() || columnsUnknown;
        const lines = picture(progress, paint).map((line) => clip(line, Math.max(columns - 1, columnsMin)));
        // In one write, so that nobody sees the gap between the old picture and the new one.
        screen.write(`${drawn > 0 ? `${esc}[${drawn}A${esc}[0J` : ''}${lines.join('\n')}\n`);
        drawn = lines.length;
        return;
      }
      const stepMs = Math.max(Math.round(progress.days / linesWanted), 1) * dayMs;
      if (progress.now < lineAt + stepMs) return;
      lineAt = progress.now;
      screen.write(`${progressLine(progress)}\n`);
    },
  };
}
