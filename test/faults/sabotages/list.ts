/** Every sabotage there is. */
import { judgementSabotages } from './judgement.ts';
import { protocolSabotages } from './protocol.ts';
import { queueSabotages } from './queue.ts';
import { recoverySabotages } from './recovery.ts';
import type { Sabotage } from './sabotage.ts';
import { scheduleSabotages } from './schedule.ts';
import { spoolSabotages } from './spool.ts';
import { writeBackSabotages } from './write-back.ts';

export const sabotages: readonly Sabotage[] = [
  ...spoolSabotages,
  ...protocolSabotages,
  ...recoverySabotages,
  ...writeBackSabotages,
  ...judgementSabotages,
  ...queueSabotages,
  ...scheduleSabotages,
];
