/**
 * Whether a live token is gone, and whose loss that is. A grant's token is lost when nothing the provider would still
 * take lies anywhere; that is for good, so it is said once.
 */
import type { SimDisk } from './files.ts';
import type { Place, PlaceKind } from './places.ts';

/** Losses the design states as what remains. */
export type Window =
  /** Committed by a provider that forgives no second try, and never sealed: the answer or its worker was lost first. */
  | 'neverSealed'
  /** Sealed on a disk that was lost before the mirror had the answer. */
  | 'diskBeforeMirror'
  /** Sealed and mirrored; disk and Redis both lost before the store had it. */
  | 'diskAndRedis'
  /** Given to an application, which lost it. */
  | 'application';

export interface LossSources {
  /** Tokens the provider would take now, the newest first; none where the grant is dead. */
  readonly accepted: (connection: string) => readonly string[];
  /** Who asked for the token; undefined: it came with a consent. */
  readonly givenTo: (connection: string, token: string) => { readonly ours: boolean } | undefined;
  /** The provider forgives a second try for long enough: an answer that is lost on the way costs nothing. */
  readonly forgiving: (connection: string) => boolean;
  /** How often Redis has lost what it held. */
  readonly redisLosses: () => number;
}

export interface LossRule {
  lost(connection: string, found: readonly Place[]): string | undefined;
  readonly windowLosses: Readonly<Record<Window, number>>;
}

/** Where a token has ever been. */
interface Trail {
  readonly kinds: Set<PlaceKind>;
  readonly disks: Set<SimDisk>;
  /** Losses of Redis there had been when it was last seen in the mirror. */
  lossesSeen: number;
}

const stored: ReadonlySet<PlaceKind> = new Set(['current', 'labelled', 'orphan', 'named']);

export function createLossRule(sources: LossSources): LossRule {
  const windowLosses: Record<Window, number> = { neverSealed: 0, diskBeforeMirror: 0, diskAndRedis: 0, application: 0 };
  const been = new Map<string, Trail>();
  const told = new Set<string>();

  function windowOf(connection: string, token: string): Window | undefined {
    const trail = been.get(token);
    const kinds = trail?.kinds ?? new Set<PlaceKind>();
    if ([...kinds].some((kind) => stored.has(kind))) return undefined;
    const to = sources.givenTo(connection, token);
    if (to === undefined) return undefined;
    if (!to.ours) return 'application';
    // What was sealed is lost with every disk it lay on, and nothing else excuses it.
    if ([...(trail?.disks ?? [])].some((disk) => !disk.thrownAway)) return undefined;
    if (trail !== undefined && kinds.has('mirror'))
      return sources.redisLosses() > trail.lossesSeen ? 'diskAndRedis' : undefined;
    if (kinds.has('disk')) return 'diskBeforeMirror';
    return sources.forgiving(connection) ? undefined : 'neverSealed';
  }

  function follow({ token, kind, disk }: Place): void {
    const trail = been.get(token) ?? { kinds: new Set(), disks: new Set(), lossesSeen: 0 };
    been.set(token, trail);
    trail.kinds.add(kind);
    if (disk !== undefined) trail.disks.add(disk);
    if (kind === 'mirror') trail.lossesSeen = sources.redisLosses();
  }

  return {
    windowLosses,
    lost(connection, found) {
      for (const place of found) follow(place);
      const accepted = sources.accepted(connection);
      const [newest] = accepted;
      if (newest === undefined || told.has(newest)) return undefined;
      if (found.some(({ token }) => accepted.includes(token))) return undefined;
      told.add(newest);
      const window = windowOf(connection, newest);
      if (window !== undefined) {
        windowLosses[window] += 1;
        return undefined;
      }
      return `the live token is nowhere any more; it was in: ${[...(been.get(newest)?.kinds ?? ['no place'])].join(', ')}`;
    },
  };
}
