/** What becomes of single calls: which faults each kind of call can meet, and how often. */
import type { Dice } from '../sim/dice.ts';
import { type Fate, fine } from '../sim/fate.ts';
import type { PendingCall } from '../sim/kernel.ts';
import type { Swarm } from './swarm.ts';

/** Near a token: where a fault can cost one. */
const hot = /^(?:provider\.|disk\.(?:create|write|remove)|mirror\.(?:keep|drop)|store\.(?:put|moveStage|tag)|lease\.)/;
/** An application's and a person's own troubles are no matter here. */
const worker = /^w\d/;

/** Latest arrival of something given up, after the adapter's own limit: the first request has ended when a second may come. */
const lateMs: Readonly<Record<string, number>> = { provider: 110_000, store: 60_000, lease: 5_000, mirror: 5_000 };

export function latencyMs({ name }: PendingCall, dice: Dice): number {
  const slow = dice.below(200) === 0 ? 20 : 1;
  switch (name.split('.')[0]) {
    case 'provider':
      return (20 + dice.below(400)) * slow;
    case 'store':
      return (5 + dice.below(40)) * slow;
    default:
      return 1 + dice.below(3);
  }
}

/** Draws what becomes of a call; `calm` ends all faults. */
export function createCallFaults(swarm: Swarm, calm: () => boolean) {
  return (call: PendingCall, dice: Dice): Fate => {
    if (calm() || swarm.faultShare === 0 || !worker.test(call.actor)) return fine;
    if (!dice.chance(hot.test(call.name) ? swarm.faultShare : swarm.faultShare / 10)) return fine;
    const possible = fatesOf(call, swarm, dice);
    return possible.length === 0 ? fine : dice.oneOf(possible);
  };
}

function fatesOf({ name, tearable }: PendingCall, swarm: Swarm, dice: Dice): Fate[] {
  const part = name.split('.')[0] ?? '';
  const late = lateMs[part];
  const fates: Fate[] = [];
  if (swarm.crashes) {
    fates.push({ kind: 'crashBefore' }, { kind: 'crashAfter' });
    if (tearable) fates.push({ kind: 'crashTorn', fraction: dice.fraction() });
    if (late !== undefined) fates.push({ kind: 'crashLate', ms: dice.below(late) });
  }
  const disk = part === 'disk';
  if (disk ? swarm.diskFaults : swarm.errors) fates.push({ kind: 'errorBefore' }, { kind: 'errorAfter' });
  if (!disk && swarm.hangs) {
    fates.push({ kind: 'hangBefore' }, { kind: 'hangAfter' }, { kind: 'slow', ms: dice.below(30_000) });
    if (late !== undefined) fates.push({ kind: 'hangLate', ms: dice.below(late) });
  }
  if (!disk && part !== 'provider' && swarm.duplicates) fates.push({ kind: 'duplicate' });
  return fates;
}
