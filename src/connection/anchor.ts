/**
 * What a connection's facts say of its past: when its idle clock last started, whose token it holds, and whether somebody
 * else refreshes it. Nobody's word is taken for more than it proves; a guess is marked as one.
 */
import type { Provider } from '../../config/provider.ts';
import type { ConnectionDocument } from './document.ts';

/** What an operator may say of one connection with tags. */
export interface ConnectionOverrides {
  /** `pilotlight:refresh-every`, ms. */
  readonly refreshEveryMs?: number;
  /** `pilotlight:idle-lifetime`, ms. */
  readonly idleMs?: number;
  /** `pilotlight:absolute-lifetime`, ms. */
  readonly absoluteMs?: number;
}

/** What deadlines are computed from, beside the document. */
export interface LifeFacts {
  readonly id: string;
  readonly document: ConnectionDocument;
  readonly provider: Provider;
  /** Fingerprint of the document's refresh token. */
  readonly fingerprint: string;
  /** When the current version was made (epoch ms). */
  readonly versionCreatedAt: number;
  /** What the index knew before, where it did: an anchor for a token it has seen. */
  readonly known?: { readonly fingerprint: string; readonly extendedAt: number | null };
  readonly overrides: ConnectionOverrides;
  /** Calendar time (epoch ms). */
  readonly now: number;
  /** Refresh also before the access token ends, for applications that only read. */
  readonly keepAccessToken: boolean;
}

export interface Anchor {
  readonly at: number;
  readonly known: boolean;
  /** The idle clock cannot have started earlier than `at`. */
  readonly certain: boolean;
}

/** The document's token is not the one we wrote. */
export function holdsForeignToken({ document: { own }, fingerprint }: LifeFacts): boolean {
  return own.token !== undefined && own.token !== fingerprint;
}

/** A foreign token that a newer consent explains: nobody else refreshes, the customer authorised again. */
export function isReconsented(facts: LifeFacts): boolean {
  const { own, consentedAt = 0 } = facts.document;
  return holdsForeignToken(facts) && own.extendedAt !== undefined && consentedAt > own.extendedAt;
}

/** When the idle clock last started. A changed token moves it, a mere new version does not. */
export function idleAnchor(facts: LifeFacts): Anchor {
  const { document, fingerprint, versionCreatedAt, known } = facts;
  const { own, refreshedAt, consentedAt } = document;
  const from = (at: number): Anchor => ({ at, known: true, certain: true });
  // A consent is newer than any refresh before it.
  if (own.token === fingerprint && own.extendedAt !== undefined)
    return from(Math.max(own.extendedAt, consentedAt ?? 0));
  // No extension lies ahead: what says so was noted under a calendar that has been turned back.
  const lately = known !== undefined && (known.extendedAt ?? 0) <= Math.max(facts.now, versionCreatedAt) + 86_400_000;
  if (lately && known.fingerprint === fingerprint && known.extendedAt !== null) return from(known.extendedAt);
  // A token we did not write: its writer's own word first, unless that is still ours of before or from the future.
  const ourWord = holdsForeignToken(facts) && refreshedAt !== undefined && refreshedAt <= (own.extendedAt ?? 0);
  if (refreshedAt !== undefined && !ourWord && refreshedAt <= versionCreatedAt + 60_000)
    return from(Math.max(refreshedAt, consentedAt ?? 0));
  if (isReconsented(facts)) return from(consentedAt ?? 0);
  // We saw the token change: it came with this version.
  if (known !== undefined && known.fingerprint !== '' && known.fingerprint !== fingerprint)
    return from(versionCreatedAt);
  // Changed while nobody watched: some time after our own refresh, which says when it can have died at the earliest.
  if (holdsForeignToken(facts) && own.extendedAt !== undefined)
    return { at: own.extendedAt, known: false, certain: true };
  return { at: Math.min(consentedAt ?? versionCreatedAt, versionCreatedAt), known: false, certain: false };
}

/** Somebody else's refresh counts for two idle windows: an application that stopped is soon served as an idle one. */
export function spendsElsewhere(facts: LifeFacts): boolean {
  const { document, provider, versionCreatedAt } = facts;
  if (holdsForeignToken(facts)) return !isReconsented(facts);
  const idleMs = provider.lifetimes.find((rule) => rule.idle !== undefined)?.idle ?? 0;
  const { foreignAt } = document.own;
  return foreignAt !== undefined && foreignAt + 2 * idleMs > versionCreatedAt;
}
