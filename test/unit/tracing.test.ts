/**
 * Recording without a collector: what is recorded when, in which order it happens beside the work itself, what is left out,
 * and what the small parts of it do with odd input.
 */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { type LogFields, silentLogger } from '../../src/runtime/logger.ts';
import { noTracer, type Tracer, tickAttribute } from '../../src/runtime/tracer.ts';
import { createTraces, type Traces } from '../../src/telemetry/traces.ts';
import { parseHeaders } from '../../src/telemetry/traces-headers.ts';
import { tellingExporter } from '../../src/telemetry/traces-outage.ts';
import { tracePropagator } from '../../src/telemetry/traces-propagator.ts';
import { spanTimes } from '../../src/telemetry/traces-time.ts';
import { accepted, refused } from '../support/load-config.ts';

let traces: Traces;
let tracer: Tracer;
let spans: ReadableSpan[];
const startAt = Date.parse('2026-11-20T08:00:00Z');
let ms: number;
beforeEach(() => {
  ms = 1_000;
  spans = [];
  const exporter: SpanExporter = {
    export(batch, told) {
      spans.push(...batch);
      told({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  };
  const clock = { ...systemClock(), now: () => startAt + Math.floor(ms), monotonic: () => ms };
  const endpoint = 'http://127.0.0.1:1/v1/traces';
  const said = { endpoint, sampleRatio: 1, environment: 'test', version: '1', instance: 'one' };
  traces = createTraces({ ...said, clock, log: silentLogger, exporter });
  tracer = traces.tracer;
});
afterEach(() => traces.close());

const recorded = async () => {
  await traces.close();
  return spans;
};
const names = async () => (await recorded()).map(({ name }) => name);

describe('a step', () => {
  test('is recorded inside a span, with its parent and how long it took', async () => {
    await tracer.span('work', { 'pilotlight.connection': 'acme' }, async () => {
      ms += 5;
      await tracer.step('seal', {}, async () => {
        ms += 2.25;
      });
    });
    const [step, work] = await recorded();
    expect(step).toMatchObject({ name: 'seal', duration: [0, 2_250_000], parentSpanContext: work?.spanContext() });
    expect(work).toMatchObject({ name: 'work', attributes: { 'pilotlight.connection': 'acme' } });
    expect(step?.startTime).toEqual([startAt / 1_000 + 1, 5_000_000]);
  });

  test('outside of any span is not recorded, and done all the same', async () => {
    expect(await tracer.step('seal', {}, async () => 7)).toBe(7);
    expect(await recorded()).toEqual([]);
  });

  test('is begun before anything is recorded and recorded after whoever waits has gone on', async () => {
    const order: string[] = [];
    await tracer.span('work', {}, async () => {
      const answer = { token: 'PLTOKEN' };
      const held = Promise.resolve(answer);
      const step = tracer.step(
        'POST',
        {},
        () => {
          order.push('called');
          return held;
        },
        () => {
          order.push('recorded');
          return {};
        },
      );
      // The very promise of the call: nothing was put between it and the waiter.
      expect(step).toBe(held);
      expect(await step).toBe(answer);
      order.push('went on');
    });
    await recorded();
    expect(order).toEqual(['called', 'went on', 'recorded']);
  });

  test('that fails fails as it would have, and says so by its label', async () => {
    const error = new PilotlightError('store_denied', 'no: PLTOKEN-1');
    const failing = () => tracer.step('put', { kind: 'client' }, () => Promise.reject(error));
    await expect(tracer.span('work', {}, failing)).rejects.toBe(error);
    const all = await recorded();
    expect(all.map(({ attributes }) => attributes['error.type'])).toEqual(['store_denied', 'store_denied']);
    expect(all.map(({ status }) => status)).toEqual([{ code: 2 }, { code: 2 }]);
    expect(JSON.stringify(all.map(({ attributes, events, status }) => [attributes, events, status]))).not.toContain(
      'PLTOKEN',
    );
  });

  test('whose end cannot be told fails nothing', async () => {
    const broken = () => {
      throw new Error('in the telling');
    };
    expect(await tracer.span('work', {}, () => tracer.step('put', {}, async () => 1, broken), broken)).toBe(1);
    expect(await names()).toEqual(['put', 'work']);
  });

  test('leaves out attributes that are not known, and cuts those that are too long', async () => {
    await tracer.span('work', { a: undefined, b: 'x'.repeat(600) }, async () => {});
    const [span] = await recorded();
    expect(Object.keys(span?.attributes ?? {})).toEqual(['b']);
    expect(span?.attributes.b).toHaveLength(512);
  });
});

describe('a tick', () => {
  const tick = (act: () => Promise<void>) => tracer.span('tick sweep', { [tickAttribute]: 'sweep' }, act);

  test('that led to nothing is left out', async () => {
    await tick(async () => {});
    expect(await names()).toEqual([]);
  });

  test('that led to something is kept, and so is one that failed', async () => {
    await tick(() => tracer.step('lease', {}, async () => {}));
    await expect(tick(() => Promise.reject(new TypeError('no')))).rejects.toThrow('no');
    expect(await names()).toEqual(['lease', 'tick sweep', 'tick sweep']);
  });

  test('is judged by itself: one beside it that led to something does not keep it', async () => {
    const busy = tick(() => tracer.step('lease', {}, async () => {}));
    await Promise.all([tick(async () => {}), busy]);
    expect(await names()).toEqual(['lease', 'tick sweep']);
  });
});

test('nothing is recorded any more after the end, and everything is done', async () => {
  await traces.close();
  expect(await tracer.span('work', {}, () => tracer.step('put', {}, async () => 3))).toBe(3);
  expect(await noTracer.span('work', {}, () => noTracer.step('put', {}, async () => 4))).toBe(4);
  expect(spans).toEqual([]);
});

describe('what travels with a job', () => {
  const carried = (value: unknown) => {
    const getter = { keys: () => [], get: (from: Record<string, unknown>, key: string) => from[key] as string };
    return trace.getSpanContext(tracePropagator.extract(ROOT_CONTEXT, { traceparent: value }, getter));
  };
  const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];

  test('is written as W3C says and read back as it was', () => {
    for (const traceFlags of [0, 1]) {
      const carrier: Record<string, string> = {};
      const context = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags });
      tracePropagator.inject(context, carrier, { set: (to, key, value) => Object.assign(to, { [key]: value }) });
      expect(carrier).toEqual({ traceparent: `00-${traceId}-${spanId}-0${traceFlags}` });
      expect(carried(carrier.traceparent)).toEqual({ traceId, spanId, traceFlags, isRemote: true });
    }
  });

  test('of a later version is read as far as it is known', () =>
    expect(carried(`cc-${traceId}-${spanId}-09-more`)).toMatchObject({ traceId, traceFlags: 1 }));

  test.for([
    undefined,
    null,
    7,
    '',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
  ])('is not taken for a trace where it is %j', (value) => expect(carried(value)).toBeUndefined());

  test('is never more than two ids, whatever is found', () =>
    fc.assert(fc.property(fc.string(), (text) => carried(text) === undefined)));
});

describe('headers of a file', () => {
  test('are read line by line, notes and broken lines left out', () =>
    expect(
      parseHeaders('# note\r\nAuthorization: Bearer a:b=c \n\nx-scope-orgid:7\nno header\nb ad: x\nx: \u0001\n'),
    ).toEqual({
      Authorization: 'Bearer a:b=c',
      'x-scope-orgid': '7',
    }));
});

test('an outage of the collector is told once and its end once, with how much was lost, and never what the collector said', () => {
  const told: [string, LogFields | undefined][] = [];
  const tell = (event: string, fields?: LogFields) => void told.push([event, fields]);
  const answers = [0, 1, 1, 0, 0, 1];
  const inner: SpanExporter = {
    export: (_spans, done) => {
      const code = answers.shift() ?? 0;
      done(code === 0 ? { code } : { code, error: Object.assign(new Error('said: PLTOKEN'), { code: 503 }) });
    },
    shutdown: () => Promise.resolve(),
  };
  const exporter = tellingExporter(inner, { ...silentLogger, info: tell, warn: tell });
  const handedOn: number[] = [];
  for (let left = answers.length; left > 0; left--)
    exporter.export([{}, {}] as ReadableSpan[], ({ code }) => void handedOn.push(code));
  expect(handedOn).toEqual([0, 1, 1, 0, 0, 1]);
  expect(told).toEqual([
    ['traces.not_exported', { why: 'http_503' }],
    ['traces.exported_again', { lost: 4 }],
    ['traces.not_exported', { why: 'http_503' }],
  ]);
});

test('instants keep their order while the calendar is read in whole milliseconds, and follow it when it is set', () => {
  let [now, monotonic] = [startAt, 0.9];
  const at = spanTimes({ now: () => Math.floor(now), monotonic: () => monotonic });
  const nanoseconds = ([seconds, rest]: [number, number]) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);
  let before = nanoseconds(at(monotonic));
  for (let step = 0; step < 1_000; step++) {
    now += 0.1;
    monotonic += 0.1;
    const after = nanoseconds(at(monotonic));
    expect(after > before && after - before < 200_000n).toBe(true);
    before = after;
  }
  now += 3_600_000;
  expect(nanoseconds(at(monotonic)) - before).toBeGreaterThan(3_599_000_000_000n);
});

describe('configuration', () => {
  const inFile = (yaml: string) => refused({ yaml }).map((line) => line.replace(/^\S+ /, ''));

  test('traces nothing unless it says where to', () => expect(accepted().tracing).toEqual({ sampleRatio: 1 }));

  test('takes a collector, a share and a file of headers, whose path is made absolute', () => {
    const tracing = '{ endpoint: "http://collector.monitoring:4318/v1/traces", sampleRatio: 0.05, headersFile: otlp }';
    expect(accepted({ yaml: `tracing: ${tracing}` }).tracing).toEqual({
      endpoint: 'http://collector.monitoring:4318/v1/traces',
      sampleRatio: 0.05,
      headersFile: '/srv/otlp',
    });
  });

  test.for([
    ['{ endpoint: "collector:4318" }', /tracing\.endpoint must be the http/],
    ['{ endpoint: "grpc://collector:4317" }', /tracing\.endpoint must be the http/],
    ['{ endpoint: "https://user:word@collector/v1/traces" }', /credentials go into headersFile/],
    ['{ endpoint: "https://collector/v1/traces?key=word" }', /credentials go into headersFile/],
    ['{ endpoint: "http://c/v1/traces", sampleRatio: 1.1 }', /tracing\.sampleRatio must be 1 at most/],
    ['{ endpoint: "http://c/v1/traces", sampleRatio: -1 }', /tracing\.sampleRatio must be 0 at least/],
    ['{ headersFile: /otlp }', /must say endpoint/],
    ['{ endpont: x }', /did you mean endpoint/],
  ] as const)('refuses %s', ([tracing, says]) => {
    const problems = inFile(`tracing: ${tracing}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(says);
    expect(problems[0]).not.toContain('word');
  });
});
