/**
 * States that only come about when several things go wrong together. A run that never reaches one proves nothing of it:
 * each is counted, and must be met so often in so many seeds.
 */
import { stage } from '../../../src/rotation/ports.ts';
import type { Reported } from '../sim/world.ts';
import type { Run } from './state.ts';
import { day } from './swarm.ts';

/** The seeds of a thousand in which each must be met at least once: about a third of what is usual. */
export const rareStates = {
  orphanKept: 120,
  rebasedOntoSavedField: 20,
  secondTryWon: 50,
  secondTryLost: 100,
  recoveredFromMirrorByAnother: 100,
  recoveredFromOwnDisk: 130,
  adoptedPendingVersion: 15,
  epochYoungRefused: 100,
  leaseLostInTheMiddle: 25,
  breakerOpened: 50,
  breakerClosedByProbe: 40,
  suspicionConfirmed: 150,
  suspicionWithdrawn: 15,
  flagVoidedByConsent: 150,
  reconsentDuringRotation: 50,
  staleDocumentRestored: 40,
  salvagedFromTruncatedBody: 35,
  spoolRefusedBeforePost: 55,
  sealedForADay: 130,
  duplicateDeliveryBusy: 150,
  clockJumped: 100,
} as const;

export type RareState = keyof typeof rareStates;

/** Watches a run for them; those only people and weather know of are told by them. */
export function watchRareStates(run: Run): (reported: Reported) => void {
  const { world } = run;
  const { kernel, redis } = world;
  /** Of each attempt: the life it began in, and when its answer came. */
  const begunBy = new Map<string, string>();
  const answeredAt = new Map<string, number>();
  const suspected = new Map<string, string>();
  let won = 0;

  kernel.onEvent(({ actor, name, about, effects }) => {
    if (effects === 0) return;
    const ours = /^w\d/.test(actor);
    if (name === 'disk.create') {
      const attempt = about.replace(/\.rec$/, '');
      if (!begunBy.has(attempt)) begunBy.set(attempt, actor);
    }
    if (name === 'provider.answer' && ours) {
      answeredAt.set(`${actor} ${about}`, kernel.now());
      const holder = redis.leases.ownerOf(about);
      if (holder !== actor && !redis.outage) run.saw('leaseLostInTheMiddle');
    }
    if (name === 'store.untag' && ours) run.saw('flagVoidedByConsent');
    if (name === 'store.moveStage' && about.startsWith(stage.orphanPrefix) && !about.endsWith('>'))
      run.saw('orphanKept');
    if (world.provider.oracle.secondTriesWon > won) {
      won = world.provider.oracle.secondTriesWon;
      run.saw('secondTryWon');
    }
  });

  const baseOf = (life: string) => life.split('.')[0];

  function sawRotated({ by, report }: Reported): void {
    const { attempt, connection, fingerprintOld = '' } = report;
    if (report.foreign === 'saved_other_field') run.saw('rebasedOntoSavedField');
    if (report.foreign === 'restored_spent_token') run.saw('staleDocumentRestored');
    if (report.oddities?.includes('salvaged') === true) run.saw('salvagedFromTruncatedBody');
    if (report.asked === 'probe') run.saw('breakerClosedByProbe');
    if (suspected.get(connection) === fingerprintOld && fingerprintOld !== '') run.saw('suspicionWithdrawn');
    suspected.delete(connection);
    // An adopted version's answer is nowhere any more: nobody knows how long anything took.
    if (report.writeMs === undefined && report.foreign === undefined) run.saw('adoptedPendingVersion');
    if (attempt === undefined) return;
    const beginner = begunBy.get(attempt);
    if (beginner === undefined) return;
    const cameAt = answeredAt.get(`${beginner} ${connection}`);
    if (cameAt !== undefined && kernel.now() - cameAt > day) run.saw('sealedForADay');
    if (beginner === by) return;
    run.saw(baseOf(beginner) === baseOf(by) ? 'recoveredFromOwnDisk' : 'recoveredFromMirrorByAnother');
  }

  return (reported) => {
    const { report } = reported;
    if (report.breakerOpened === true) run.saw('breakerOpened');
    if (report.reason === 'lost_rotation') run.saw('secondTryLost');
    if (report.reason === 'redis_new') run.saw('epochYoungRefused');
    if (report.outcome === 'retryLater' && report.reason === 'spool_unwritable') run.saw('spoolRefusedBeforePost');
    if (report.outcome === 'busy' && report.reason === 'busy' && report.entry === undefined)
      run.saw('duplicateDeliveryBusy');
    if (report.outcome === 'suspect' && report.fingerprintOld !== undefined)
      suspected.set(report.connection, report.fingerprintOld);
    if (report.outcome === 'needsConsent' && report.fingerprintOld !== undefined) run.saw('suspicionConfirmed');
    if (report.outcome === 'rotated') sawRotated(reported);
  };
}
