/** What the steps of one run of the demo share. */
import type { Calendar } from './calendar.ts';
import type { Chronicle } from './chronicle.ts';
import type { Paint } from './paint.ts';
import type { Plan } from './plan.ts';
import type { DemoOptions, DemoPorts, DemoService } from './ports.ts';
import type { Display } from './screen.ts';
import type { Story } from './story.ts';
import type { Watch } from './watch.ts';
import type { World } from './world.ts';

export interface Run {
  readonly options: DemoOptions;
  readonly ports: DemoPorts;
  readonly plan: Plan;
  readonly calendar: Calendar;
  readonly world: World;
  readonly service: DemoService;
  readonly watch: Watch;
  readonly chronicle: Chronicle;
  readonly story: Story;
  readonly display: Display;
  readonly paint: Paint;
  /** Monotonic instant at which it began. */
  readonly startedMs: number;
  /** Monotonic instant of the service's last report; undefined before the first. */
  readonly heardMs: () => number | undefined;
}
