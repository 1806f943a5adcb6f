/** What workers said of a connection, for whoever reads of a failure. */
import type { LogLine } from './worker-process.ts';
import type { FaultWorld } from './world.ts';

/** What the workers said of a connection, each run of the same words once. */
export function storyOf(world: FaultWorld, connection: string): string {
  const said = world.workers.flatMap(({ name, lines }) =>
    lines()
      .filter((line) => line.connection === connection && !isLook(line))
      .map(({ event, asked, reason, error, time }) => {
        const words = [name, event, asked, reason, error].filter((word) => word !== undefined).join(' ');
        return { time: String(time).slice(14, 23), words };
      }),
  );
  const inOrder = said.sort((a, b) => (a.time < b.time ? -1 : 1));
  const runs = inOrder.filter(({ words }, place) => words !== inOrder[place - 1]?.words);
  return `workers said ${
    runs
      .slice(-14)
      .map(({ time, words }) => `${time} ${words}`)
      .join(', ') || 'nothing'
  }`;
}

/** A record that waits is looked at every second. */
function isLook({ event, asked }: LogLine): boolean {
  return event === 'rotation.not_due' && asked === 'recover';
}
