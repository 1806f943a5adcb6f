/**
 * Putting a new grant into the store. The code is spent, so this grant is all there is: it is written under a label nobody
 * reads, then AWSCURRENT is moved by compare-and-swap, and whatever the store answers is tried again for as long as the
 * customer's request may last. A newer consent is never overwritten by an older one.
 */

import { type SecretValue, stage } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { hasCode } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { Secret } from '../runtime/secret.ts';
import { compareAccounts, consentedDocument, firstDocument, type GrantFacts } from './grant-document.ts';
import type { ConsentEvent, StartedConsent } from './ports.ts';
import { hasConsentSince, readTarget, type Target, type TargetPorts } from './target.ts';

export interface WriteGrantPorts extends TargetPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** An account other than the document's is taken for every connection, not only where its tag says so. */
  readonly allowAccountChange: boolean;
  /** Tags of a connection that is made. */
  readonly newTags: Readonly<Record<string, string>>;
}

/** Tag by which an operator lets one connection go to another account, once. */
export const accountChangeTag = 'pilotlight:allow-account-change';

export type WrittenGrant =
  | {
      readonly kind: 'done';
      readonly account: NonNullable<ConsentEvent['account']>;
      readonly versionOld?: string;
      readonly versionNew?: string;
    }
  | { readonly kind: 'already_done' | 'gone' | 'unusable' | 'wrong_account' }
  /** The limit is over or the store will never take it. */
  | { readonly kind: 'store_failed'; readonly error: unknown };

/** How often somebody else may write between our put and our swap. */
const roundsMax = 5;
const pauseMsFirst = 200;
const pauseMsMax = 5_000;

/** Tries for `limitMs` of monotonic time. Never throws. */
export async function writeGrant(
  name: string,
  started: StartedConsent,
  facts: GrantFacts,
  ports: WriteGrantPorts,
  limitMs: number,
): Promise<WrittenGrant> {
  const untilMs = ports.clock.monotonic() + limitMs;
  const insist: Insist = (operation) => insisting(operation, ports.clock, untilMs);
  try {
    return started.kind === 'connect'
      ? await createConnection(name, started, facts, ports, insist)
      : await replaceGrant(name, started, facts, ports, insist);
  } catch (error) {
    return { kind: 'store_failed', error };
  }
}

type Insist = <T>(operation: () => Promise<T>) => Promise<T>;

async function replaceGrant(
  name: string,
  started: StartedConsent,
  facts: GrantFacts,
  ports: WriteGrantPorts,
  insist: Insist,
): Promise<WrittenGrant> {
  for (let round = 0; round < roundsMax; round++) {
    const target = await insist(() => readTarget(name, ports));
    if (target.kind !== 'there') return { kind: target.kind };
    if (hasNewer(target, started.version, facts.grantedAt)) return { kind: 'already_done' };
    const account = compareAccounts(target.account, facts.grant.account);
    if (account === 'changed' && !ports.allowAccountChange && target.tags[accountChangeTag] !== 'true')
      return { kind: 'wrong_account' };
    const from = target.version.versionId;
    const versionId = await putPending(name, target, facts, ports, insist);
    if (await trySwap(name, versionId, from, ports, insist))
      return { kind: 'done', account, versionOld: from, versionNew: versionId };
    // Ours may have been current for a moment and been written over by somebody who had read it.
    const after = await insist(() => readTarget(name, ports));
    if (after.kind === 'there' && holdsOurs(after, facts, ports))
      return { kind: 'done', account, versionOld: from, versionNew: after.version.versionId };
  }
  return { kind: 'store_failed', error: new Error('the secret was written by others every time') };
}

/** A consent that was granted after ours stays: strictly newer, so that of two at once the one that comes last is kept. */
function hasNewer(target: Target, judged: string, grantedAt: number): boolean {
  return hasConsentSince(target, judged, grantedAt + 1_000);
}

function holdsOurs({ document }: Target, { grant }: GrantFacts, { rules }: TargetPorts): boolean {
  const ours = rules.fingerprint(grant.refreshToken);
  const held = document.refreshToken === undefined ? undefined : rules.fingerprint(document.refreshToken);
  return held === ours || document.own.spent.includes(ours);
}

async function putPending(
  name: string,
  target: Target,
  facts: GrantFacts,
  { store, rules, random }: WriteGrantPorts,
  insist: Insist,
): Promise<string> {
  const versionId = random.uuid();
  const base = { document: target.document, versionId, from: target.version.versionId };
  const text = consentedDocument({ ...facts, provider: target.provider }, base, rules.names, rules.fingerprint);
  const value = valueLike(target.version.value, text);
  await insist(() => store.put(name, { versionId, value, stages: [stage.pending] }));
  return versionId;
}

/** The text in the form the secret was found in: customers who store bytes get bytes back. */
function valueLike(found: SecretValue, text: Secret): SecretValue {
  return 'text' in found ? { text } : { binary: Buffer.from(text.reveal(), 'utf8') };
}

/** True when AWSCURRENT is on our version afterwards, whatever the call itself answered. */
async function trySwap(
  name: string,
  to: string,
  from: string,
  { store }: WriteGrantPorts,
  insist: Insist,
): Promise<boolean> {
  try {
    await insist(() => store.moveStage(name, { stage: stage.current, to, from }));
    return true;
  } catch (error) {
    if (!hasCode(error, 'store_stage_moved')) throw error;
  }
  const { stages } = await insist(() => store.describe(name));
  return stages[to]?.includes(stage.current) === true;
}

async function createConnection(
  name: string,
  started: StartedConsent,
  facts: GrantFacts,
  ports: WriteGrantPorts,
  insist: Insist,
): Promise<WrittenGrant> {
  const { store, rules, newTags } = ports;
  const text = firstDocument(facts, started, rules.names);
  try {
    await insist(async () => store.create?.(name, { text }, newTags));
    return { kind: 'done', account: 'unknown' };
  } catch (error) {
    if (!hasCode(error, 'store_exists')) throw error;
  }
  const target = await insist(() => readTarget(name, ports));
  if (target.kind !== 'there') return { kind: target.kind };
  return holdsOurs(target, facts, ports) ? { kind: 'done', account: 'unknown' } : { kind: 'already_done' };
}

/** No second try helps against these; everything else, a missing permission included, may be mended in time. */
async function insisting<T>(operation: () => Promise<T>, clock: Clock, untilMs: number): Promise<T> {
  for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    try {
      return await operation();
    } catch (error) {
      const passing = hasCode(error, 'store_unavailable', 'store_throttled', 'store_denied', 'store_not_found');
      if (!passing || clock.monotonic() + pauseMs >= untilMs) throw error;
    }
    await clock.sleep(pauseMs);
  }
}
