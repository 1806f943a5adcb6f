/** Counts the index for metrics and the dead man's lamp. */
import { type Census, type CensusOptions, takeCensus } from '../connection/census.ts';
import type { ConnectionIndex } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';

export interface CensusPorts extends CensusOptions {
  readonly index: Pick<ConnectionIndex, 'scan' | 'count'>;
  readonly clock: Clock;
  readonly taken: (census: Census) => void;
  /** Monotonic instant of the last count. */
  readonly last: { atMs: number | undefined };
}

/** Above this many connections a count takes a second and more: then it is made every few minutes only. */
const countOftenMax = 50_000;
const countSeldomMs = 300_000;

export async function countConnections({ index, clock, taken, last, ...options }: CensusPorts): Promise<void> {
  const nowMs = clock.monotonic();
  const lately = last.atMs !== undefined && nowMs - last.atMs < countSeldomMs;
  if (lately && (await index.count()) > countOftenMax) return;
  const census = takeCensus(clock.now(), options);
  for await (const page of index.scan()) census.add(page);
  last.atMs = nowMs;
  taken(census.result());
}
