/**
 * How a trace goes from one process to the next: W3C Trace Context's `traceparent` and nothing else. No baggage and no
 * tracestate: what travels with a job through Redis is two ids and a bit, and can never be more.
 */
import { isSpanContextValid, type TextMapPropagator, TraceFlags, trace } from '@opentelemetry/api';

const name = 'traceparent';
/** https://www.w3.org/TR/trace-context/#traceparent-header; further fields belong to versions to come. */
const shape = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?$/;

export const tracePropagator: TextMapPropagator = {
  inject(context, carrier, setter) {
    const span = trace.getSpanContext(context);
    if (span === undefined || !isSpanContextValid(span)) return;
    const sampled = (span.traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01';
    setter.set(carrier, name, `00-${span.traceId}-${span.spanId}-${sampled}`);
  },
  extract(context, carrier, getter) {
    const value = getter.get(carrier, name);
    const [, version, traceId = '', spanId = '', flags = '', more] = shape.exec(String(value)) ?? [];
    const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
    const understood = version !== undefined && (version !== '00' || more === undefined);
    return understood && isSpanContextValid(span) ? trace.setSpanContext(context, span) : context;
  },
  fields: () => [name],
};
