/** inventory: brings the index into line with the store, every few minutes. */
import { type InventoryPorts, type InventoryResult, takeInventory } from '../src/schedule/inventory.ts';
import type { CronJob } from './job.ts';

export function inventoryJob(cron: string, ports: InventoryPorts, done: (result: InventoryResult) => void): CronJob {
  const memory = { absent: new Set<string>() };
  return {
    name: 'inventory',
    role: 'scheduler',
    cron,
    atStart: true,
    run: async () => done(await takeInventory(ports, memory)),
  };
}
