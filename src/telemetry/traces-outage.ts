/**
 * A collector that is away is told once, and once more when it is back with what was lost meanwhile: traces are worth no more
 * of anybody's attention. What an error says is not printed, only its label: collectors quote what they are sent.
 */
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';

/** OpenTelemetry's ExportResultCode. */
const success = 0;

export function tellingExporter(inner: SpanExporter, log: Logger): SpanExporter {
  /** Spans lost since the collector went away; undefined while it takes them. */
  let lost: number | undefined;
  return {
    export(spans, told) {
      inner.export(spans, (result) => {
        if (result.code === success) {
          if (lost !== undefined) log.info('traces.exported_again', { lost });
          lost = undefined;
        } else {
          if (lost === undefined) log.warn('traces.not_exported', { why: whyOf(result.error) });
          lost = (lost ?? 0) + spans.length;
        }
        told(result);
      });
    },
    shutdown: () => inner.shutdown(),
    async forceFlush() {
      await inner.forceFlush?.();
    },
  };
}

function whyOf(error: Error | undefined): string {
  const status = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof status === 'number' ? `http_${status}` : errorLabel(error);
}
