/** What a trace says of a rotation: whose, why, and what it came to. The same words as the log line has. */
import type { SpanAttributes, SpanEnd } from '../runtime/tracer.ts';
import type { RefreshJob } from '../schedule/ports.ts';
import { consequenceOf, type RotationReport } from './outcome.ts';

export const rotationSpan = 'rotate';

export function rotationBegun({ connection, reason }: RefreshJob): SpanAttributes {
  return { 'pilotlight.connection': connection, 'pilotlight.asked': reason };
}

/** Failed are those that count as such everywhere else: a customer's refused token is an outcome, no fault. */
export function rotationEnd({ outcome, reason, at, attempt, versionNew }: RotationReport): SpanEnd {
  return {
    attributes: {
      'pilotlight.outcome': outcome,
      'pilotlight.reason': reason,
      'pilotlight.provider': at?.provider,
      'pilotlight.client': at?.client,
      'pilotlight.attempt': attempt,
      'pilotlight.version.new': versionNew,
    },
    error: consequenceOf(outcome).countsAsFailure ? outcome : undefined,
  };
}
