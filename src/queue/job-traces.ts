/**
 * How a job carries its trace: BullMQ's own telemetry, by bullmq-otel, narrowed to what is worth a span. BullMQ writes the
 * trace's id beside the job's payload; a worker that does not trace ignores it, and one that does finds none and begins anew.
 * What must stay true: only what is listed here becomes an attribute, and nothing a job carries can fail it.
 */
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { type Span, SpanKind, type Telemetry, TelemetryAttributes } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import { errorLabel } from '../runtime/errors.ts';

export type JobTraces = Telemetry;

/** BullMQ's attributes that are kept, by the names OpenTelemetry's messaging conventions have for them. */
const names: Readonly<Record<string, string>> = {
  [TelemetryAttributes.QueueName]: 'messaging.destination.name',
  [TelemetryAttributes.BulkCount]: 'messaging.batch.message_count',
  [TelemetryAttributes.JobId]: 'messaging.message.id',
  [TelemetryAttributes.JobAttemptsMade]: 'bullmq.job.attempts.made',
};

/** The conventional word for what is done to a queue. BullMQ's housekeeping (locks, timers) has none, and no span. */
function wordOf(kind: SpanKind | undefined, bullWord = ''): string | undefined {
  if (kind === SpanKind.PRODUCER) return 'send';
  return kind === SpanKind.CONSUMER ? bullWord : undefined;
}

/** A label, as `errorLabel` makes them. */
const label = /^[A-Za-z0-9_.:]{1,64}$/;

export function createJobTraces(): JobTraces {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'pilotlight' });
  return {
    tracer: {
      startSpan(name, options, context) {
        const [bullWord, queue] = name.split(' ');
        const word = wordOf(options?.kind, bullWord);
        if (word === undefined) return noSpan;
        const span = tracer.startSpan(`${word} ${queue}`, options, context);
        span.setAttributes({ 'messaging.system': 'bullmq', 'messaging.operation.type': word });
        return narrowed(span);
      },
    },
    contextManager: {
      with: (context, act) => contextManager.with(context, act),
      active: () => contextManager.active(),
      // BullMQ's endless loops begin here, outside of whatever span happens to be open.
      root: () => ROOT_CONTEXT,
      getMetadata: (context) => contextManager.getMetadata(context),
      fromMetadata(active, metadata) {
        try {
          return contextManager.fromMetadata(active, metadata);
        } catch {
          // Not ours, or damaged. The job is worth more than its trace.
          return active;
        }
      },
    },
  };
}

/** Neither recorded nor a parent. */
const noSpan: Span = {
  setSpanOnContext: (context) => context,
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
};

function narrowed(span: Span): Span {
  const failed = (why: string) => span.setAttribute('error.type', label.test(why) ? why : 'job_failed');
  const setAttribute: Span['setAttribute'] = (key, value) => {
    const name = names[key];
    if (name !== undefined) span.setAttribute(name, value);
    if (key === TelemetryAttributes.QueueOperation) span.setAttribute('messaging.operation.name', value);
  };
  return {
    setSpanOnContext: (context) => span.setSpanOnContext(context),
    setAttribute,
    setAttributes(attributes) {
      for (const [key, value] of Object.entries(attributes)) if (value !== undefined) setAttribute(key, value);
    },
    addEvent(name, attributes) {
      if (name === 'job failed') failed(String(attributes?.[TelemetryAttributes.JobFailedReason]));
    },
    // Messages and stacks quote their input.
    recordException: (error) => failed(typeof error === 'string' ? 'job_failed' : errorLabel(error)),
    end: () => span.end(),
  };
}
