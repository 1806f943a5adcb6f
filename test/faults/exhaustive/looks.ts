/**
 * What each worker saw at its last look, between its intent and its request: a request is right only where the token was
 * current then and the lease its own. What happens between that look and the request nobody can keep from happening.
 */
import type { StoredVersion } from '../sim/places.ts';

export interface Look {
  /** Versions that had a label. */
  readonly versions: ReadonlySet<string>;
  /** The token that was current. */
  readonly token: string | undefined;
  /** Undefined until it has asked: whether the lease was its own. */
  ours: boolean | undefined;
}

export interface Looks {
  /** To be told of every call that has had its effect. */
  note(actor: string, name: string): void;
  /** Undefined where the store was not looked at since the intent was made. */
  of(actor: string): Look | undefined;
  /** What is wrong with posting a token after such a look. */
  objection(look: Look | undefined, posted: string | undefined): string | undefined;
}

export interface LookSources {
  readonly labelled: () => readonly StoredVersion[];
  readonly tokenOf: (version: StoredVersion) => string | undefined;
  readonly leaseOwner: () => string | undefined;
}

export function createLooks({ labelled, tokenOf, leaseOwner }: LookSources): Looks {
  const looks = new Map<string, Look>();
  return {
    note(actor, name) {
      if (name === 'disk.create') looks.delete(actor);
      if (name === 'store.describe') {
        const found = labelled();
        const current = found.find(({ stages }) => stages.includes('AWSCURRENT'));
        const versions = new Set(found.map(({ versionId }) => versionId));
        looks.set(actor, { versions, token: current === undefined ? undefined : tokenOf(current), ours: undefined });
      }
      const look = looks.get(actor);
      if (name === 'lease.stillOurs' && look !== undefined) look.ours = leaseOwner() === actor;
    },
    of: (actor) => looks.get(actor),
    objection(look, posted) {
      if (look === undefined) return 'posted without a last look at the store';
      if (look.ours !== true) return 'posted without a lease at its last look';
      return look.token === posted ? undefined : 'posted a token that was not current at its last look';
    },
  };
}
