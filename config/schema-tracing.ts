/** The `tracing` section: where OpenTelemetry traces go. Nothing is traced, and nothing of it loaded, without an endpoint. */
import { z } from 'zod';
import { path } from './schema-store.ts';

/** Credentials in a URL end up in logs and in `config print`: they belong into headers. */
const collectorUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\/[^/?#@\s]+(?:\/[^?#\s]*)?$/.test(text), {
    error:
      'must be the http:// or https:// URL traces are posted to, like http://collector:4318/v1/traces; credentials go into headersFile',
  });

export const tracing = z
  .strictObject({
    /** URL that takes OTLP over HTTP in protobuf, whole (`/v1/traces` is not added). Absent: nothing is traced. */
    endpoint: collectorUrl.optional(),
    /** Share of traces kept, decided once for a tick and all that follows from it, in every process. */
    sampleRatio: z.number().min(0, 'must be 0 at least').max(1, 'must be 1 at most').default(1),
    /** Mounted file with headers for the collector, one `name: value` a line; read again for every batch. */
    headersFile: path.optional(),
  })
  .refine(({ endpoint, headersFile }) => endpoint !== undefined || headersFile === undefined, {
    error: 'must say endpoint where it says headersFile: nothing is traced without one',
  });
