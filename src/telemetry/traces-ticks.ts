/**
 * A tick that led to nothing is not exported: every few seconds one looks for what is due and mostly nothing is. Whether a
 * tick led to something is known when it ends; its children are known as they begin.
 */

import { SpanStatusCode } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { tickAttribute } from '../runtime/tracer.ts';

/** Hands on everything but ticks without a child that ended well. */
export function withoutIdleTicks(next: SpanProcessor): SpanProcessor {
  /** Ticks under way that have led to nothing yet. */
  const idle = new Set<string>();
  return {
    onStart(span, parent) {
      const above = span.parentSpanContext?.spanId;
      if (above !== undefined) idle.delete(above);
      if (span.attributes[tickAttribute] !== undefined) idle.add(span.spanContext().spanId);
      next.onStart(span, parent);
    },
    onEnd(span) {
      const led = !idle.delete(span.spanContext().spanId);
      if (led || span.status.code === SpanStatusCode.ERROR) next.onEnd(span);
    },
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  };
}
