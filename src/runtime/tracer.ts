/**
 * The tracer's interface. A span is a stable name plus flat attributes of plain values: no object, no error and no Secret
 * can be handed to it, so that no token reaches a trace by construction. `telemetry/traces.ts` records with OpenTelemetry;
 * where tracing is off nothing of it is loaded.
 */
export type SpanAttributes = { readonly [name: string]: string | number | boolean | undefined };

/** What is known of a span once it is over. */
export interface SpanEnd {
  readonly attributes?: SpanAttributes;
  /** A stable label (a code, an HTTP status): the span is marked as failed. Never a message, messages quote their input. */
  readonly error?: string | undefined;
}

export interface StepDetails {
  /** `client`: a call to another system. */
  readonly kind?: 'client';
  readonly attributes?: SpanAttributes;
}

export interface Tracer {
  /** Runs `act` inside a span: whatever it awaits belongs to it. What it throws passes through, told by its label. */
  span<T>(name: string, attributes: SpanAttributes, act: () => Promise<T>, ended?: (result: T) => SpanEnd): Promise<T>;
  /**
   * One call with nothing inside, recorded only where it is made inside a span. The call is made before anything is
   * recorded, and recording waits until whoever awaits the call has gone on: between the last byte of an answer and the
   * disk stands no tracing.
   */
  step<T>(name: string, details: StepDetails, call: () => Promise<T>, ended?: (result: T) => SpanEnd): Promise<T>;
}

/** On the span of a cron tick: the job's name. A tick that led to no other span is not kept. */
export const tickAttribute = 'pilotlight.tick';

/** Records nothing. */
export const noTracer: Tracer = { span: (_name, _attributes, act) => act(), step: (_name, _details, call) => call() };
