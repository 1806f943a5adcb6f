/** A process that takes inventories and nothing else, so that its memory is the inventory's. */
import { createClosers } from '../../src/runtime/closers.ts';
import { type InventoryMemory, takeInventory } from '../../src/schedule/inventory.ts';
import { openServices } from '../../src/services.ts';
import { inputOf, serve } from './child.ts';
import { configOf, depsOf, type ServiceInput } from './stage.ts';

export interface Pass {
  readonly seen: number;
  readonly changed: number;
  readonly durationMs: number;
  /** Resident memory before, at most during, and after the pass, MB. */
  readonly rssMb: { readonly before: number; readonly most: number; readonly after: number };
}

const input = inputOf<ServiceInput>();
const closers = createClosers();
const deps = depsOf(input);
const services = await openServices(configOf(input), deps, closers);
await services.redis.untilReached(5_000);
const memory: InventoryMemory = { absent: new Set() };

const rssMb = () => process.memoryUsage.rss() / 1_048_576;

async function pass(): Promise<Pass> {
  const before = rssMb();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, rssMb());
  }, 20);
  try {
    const { seen, changed, durationMs } = await takeInventory({ ...services, ...deps }, memory);
    const after = rssMb();
    return { seen, changed, durationMs, rssMb: { before, most: Math.max(most, after), after } };
  } finally {
    clearInterval(watch);
  }
}

serve({}, { pass }, () => closers.closeAll());
