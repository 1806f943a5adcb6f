/**
 * Requests per second that an account may make in one Region, per group of operations. Counted in whole seconds of
 * monotonic time, so that a turned calendar neither frees nor uses up anything. Off unless set.
 */
import type { Clock } from '../../runtime/clock.ts';
import { ServiceError } from './errors.ts';

export type QuotaGroup = 'read' | 'batch' | 'list' | 'versions' | 'write' | 'tag' | 'create' | 'delete' | 'restore';
export type Quotas = Partial<Readonly<Record<QuotaGroup, number>>>;

/** What AWS allows, per second (Secrets Manager user guide, "Quotas"); the last three groups from memory of that page. */
export const awsQuotas: Readonly<Record<QuotaGroup, number>> = {
  read: 10_000,
  batch: 100,
  list: 100,
  versions: 50,
  write: 50,
  tag: 50,
  create: 50,
  delete: 50,
  restore: 50,
};

export interface QuotaGate {
  /** Takes one request's share; throws ThrottlingException where none is left in this second. */
  take(group: QuotaGroup): void;
  set(quotas: Quotas): void;
}

export function createQuotaGate(clock: Clock, initial: Quotas): QuotaGate {
  let quotas = initial;
  const windows = new Map<QuotaGroup, { second: number; used: number }>();
  return {
    take(group) {
      const limit = quotas[group];
      if (limit === undefined) return;
      const second = Math.floor(clock.monotonic() / 1000);
      const last = windows.get(group);
      const window = last?.second === second ? last : { second, used: 0 };
      windows.set(group, window);
      if (window.used >= limit) throw new ServiceError('ThrottlingException', 'Rate exceeded');
      window.used++;
    },
    set(next) {
      quotas = next;
      windows.clear();
    },
  };
}
