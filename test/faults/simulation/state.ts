/** What the parts of one simulated run share. */
import type { Dice } from '../sim/dice.ts';
import type { SimWorker } from '../sim/worker.ts';
import type { SimWorld } from '../sim/world.ts';
import type { RareState } from './rare-states.ts';
import type { Swarm } from './swarm.ts';

export interface Run {
  readonly swarm: Swarm;
  readonly world: SimWorld;
  readonly dice: Dice;
  /** True once no fault comes any more. */
  calm: boolean;
  /** Something happened that jobs may have to follow: they run densely again for a while. */
  wake(why: string): void;
  /** A process has begun: it does what it does at its start. */
  started(worker: SimWorker): void;
  saw(state: RareState): void;
  /** Anything else that is not right. */
  wrong(property: string, what: string): void;
}
