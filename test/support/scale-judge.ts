/**
 * Exactly once, by the provider's own ledger: of every consent that fell due one refresh took effect. A second is excused by
 * one thing only: the answer to the first was lost with the process that waited for it, before it was anywhere else, and
 * the token was tried again afterwards (outcome `unknown`). Pure.
 */

/** One token shown to a provider by the service. */
export interface Shown {
  readonly at: number;
  readonly committed: boolean;
}

/** One consent that fell due, and what was shown for it, in order. */
export interface Due {
  readonly connection: string;
  readonly round: number;
  readonly shown: readonly Shown[];
}

/** An answer that nobody has: the attempt was begun at `from`, and it was known to be lost at `at`. */
export interface Lost {
  readonly connection: string;
  readonly from: number;
  readonly at: number;
}

export interface Once {
  /** Refreshed exactly once, with nothing to excuse. */
  readonly once: number;
  /** Refreshed again, because the first answer was lost with its process. */
  readonly again: number;
  /** Never refreshed. */
  readonly missed: readonly string[];
  /** Refreshed again without an excuse. */
  readonly twice: readonly string[];
  /** Shown, and refused by the provider. */
  readonly refused: readonly string[];
}

/** `requestMs`: longest a request may be on its way after the death of who sent it. */
export function judgeOnce(dues: readonly Due[], lost: readonly Lost[], requestMs: number): Once {
  const nameOf = ({ connection, round }: Due) => `${connection} in round ${round}`;
  const unexcused = (due: Due) => {
    const committed = due.shown.filter((one) => one.committed);
    return committed.slice(1).filter((one, place) => {
      const before = committed[place] as Shown;
      return !lost.some(
        ({ connection, from, at }) =>
          connection === due.connection && before.at >= from && before.at <= at + requestMs && at <= one.at,
      );
    });
  };
  const commits = ({ shown }: Due) => shown.filter(({ committed }) => committed).length;
  const twice = dues.filter((due) => unexcused(due).length > 0);
  return {
    once: dues.filter((due) => commits(due) === 1).length,
    again: dues.filter((due) => commits(due) > 1 && !twice.includes(due)).length,
    missed: dues.filter((due) => commits(due) === 0).map(nameOf),
    twice: twice.map(nameOf),
    refused: dues.filter(({ shown }) => shown.some(({ committed }) => !committed)).map(nameOf),
  };
}
