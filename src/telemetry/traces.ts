/**
 * Traces by OpenTelemetry: the one room that knows it. Loaded only where tracing is on. What must stay true: nothing here
 * delays or fails what is traced; what waits to be exported is bounded; what cannot be exported is lost, and told once.
 *
 * BullMQ's adapter finds provider, context and propagation in OpenTelemetry's global registry, so they are put there, by
 * one tracing process at a time, and taken out again at the end.
 */
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { atMost, type Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { SpanAttributes, SpanEnd, Tracer } from '../runtime/tracer.ts';
import { headersReader } from './traces-headers.ts';
import { tellingExporter } from './traces-outage.ts';
import { tracePropagator } from './traces-propagator.ts';
import { withoutIdleTicks } from './traces-ticks.ts';
import { spanTimes } from './traces-time.ts';

export interface TracesOptions {
  /** Takes OTLP over HTTP. */
  readonly endpoint: string;
  readonly sampleRatio: number;
  readonly headersFile?: string | undefined;
  readonly environment: string;
  readonly version: string;
  /** Tells this process from others of its kind. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Instead of the collector, for tests. */
  readonly exporter?: SpanExporter;
}

export interface Traces {
  readonly tracer: Tracer;
  /** Sends what waits, two seconds at most, and records no more. Never throws. */
  close(): Promise<void>;
}

/** Spans waiting for the collector; those beyond are dropped. About two kilobytes each. */
const queueMax = 2_048;
const batchMax = 512;
const everyMs = 2_000;
/** Longest one batch may take, its repetitions included. */
const exportMsMax = 5_000;
/** Longest stopping waits for the collector. */
const flushMsMax = 2_000;
/** As long as the longest connection id. */
const attributeLengthMax = 512;

export function createTraces(options: TracesOptions): Traces {
  const { clock, log } = options;
  const exporter = tellingExporter(options.exporter ?? collector(options), log);
  const batches = new BatchSpanProcessor({
    exporter,
    maxQueueSize: queueMax,
    maxExportBatchSize: batchMax,
    scheduledDelayMillis: everyMs,
    exportTimeoutMillis: exportMsMax + 1_000,
  });
  const provider = new TracerProvider({
    resource: resourceOf(options),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanLimits: { attributeValueLengthLimit: attributeLengthMax },
    spanProcessors: [withoutIdleTicks(batches)],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(tracePropagator);
  trace.setGlobalTracerProvider(provider);
  return {
    tracer: recording(provider.getTracer('pilotlight', options.version), clock),
    async close() {
      // Steps are recorded a turn late.
      await new Promise((turn) => setImmediate(turn));
      // What failed was told by the exporter.
      const flushed = provider.shutdown().then(
        () => true,
        () => true,
      );
      if (!(await atMost(clock, flushMsMax, flushed, false))) log.warn('traces.flush_cut_short');
      for (const registered of [trace, context, propagation]) registered.disable();
    },
  };
}

function collector({ endpoint, headersFile, log }: TracesOptions): SpanExporter {
  const headers = headersFile === undefined ? {} : { headers: headersReader(headersFile, log) };
  return new OTLPTraceExporter({ url: endpoint, timeoutMillis: exportMsMax, ...headers });
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win: the platform knows its pods better than we do. */
function resourceOf({ environment, version, instance }: TracesOptions) {
  const ours = resourceFromAttributes({
    'service.name': 'pilotlight',
    'service.version': version,
    'service.instance.id': instance,
    'deployment.environment.name': environment,
  });
  return ours.merge(detectResources({ detectors: [envDetector] }));
}

function recording(otel: ReturnType<TracerProvider['getTracer']>, clock: Clock): Tracer {
  const at = spanTimes(clock);
  /** Ends a span as of now, once whoever waits for its work has gone on. */
  const finish = (span: () => Span, end: () => SpanEnd) => {
    const endMs = clock.monotonic();
    setImmediate(() => {
      const ended = span();
      try {
        conclude(ended, end());
      } catch {
        // What cannot be told of a span is not worth an uncaught exception.
      }
      ended.end(at(endMs));
    });
  };
  return {
    async span(name, attributes, act, ended) {
      const span = otel.startSpan(name, { startTime: at(clock.monotonic()), attributes: known(attributes) });
      try {
        const result = await context.with(trace.setSpan(context.active(), span), act);
        finish(
          () => span,
          () => ended?.(result) ?? {},
        );
        return result;
      } catch (error) {
        finish(
          () => span,
          () => ({ error: errorLabel(error) }),
        );
        throw error;
      }
    },
    step(name, { kind, attributes = {} }, call, ended) {
      const inside = context.active();
      if (trace.getSpan(inside)?.isRecording() !== true) return call();
      const startMs = clock.monotonic();
      const result = call();
      const begin = () =>
        otel.startSpan(
          name,
          {
            startTime: at(startMs),
            attributes: known(attributes),
            kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
          },
          inside,
        );
      result.then(
        (value) => finish(begin, () => ended?.(value) ?? {}),
        (error: unknown) => finish(begin, () => ({ error: errorLabel(error) })),
      );
      return result;
    },
  };
}

function conclude(span: Span, { attributes = {}, error }: SpanEnd): void {
  span.setAttributes(known(attributes));
  if (error !== undefined) span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR });
}

function known(attributes: SpanAttributes): Record<string, string | number | boolean> {
  const all = Object.entries(attributes);
  return Object.fromEntries(all.filter((one): one is [string, string | number | boolean] => one[1] !== undefined));
}
