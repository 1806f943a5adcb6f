/**
 * A collector of OpenTelemetry traces on loopback: takes OTLP over HTTP as a real one does, reads the protobuf by itself (no
 * code is shared with what is tested), and keeps every byte for a search. Can refuse, and can leave a request unanswered.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty where it is the first of its trace. */
  readonly parentId: string;
  readonly name: string;
  /** 1 internal, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: number;
  /** 2: failed. */
  readonly status: number;
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface OtlpCollector {
  /** Where traces are posted to. */
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  readonly bodies: readonly Buffer[];
  readonly headers: readonly IncomingHttpHeaders[];
  /** Requests that came, answered or not. */
  requests(): number;
  /** From now on: this status, or no answer at all. */
  answer(how: number | 'never'): void;
  stop(): Promise<void>;
}

export async function startCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const bodies: Buffer[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const unanswered = new Set<ServerResponse>();
  let how: number | 'never' = 200;
  let requests = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests += 1;
      if (how === 'never') return void unanswered.add(response);
      const body = Buffer.concat(chunks);
      headers.push(request.headers);
      bodies.push(body);
      const fine = request.method === 'POST' && request.url === '/v1/traces' && how === 200;
      if (fine) spans.push(...decodeTraces(body));
      response.writeHead(fine ? 200 : how === 200 ? 404 : how, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    bodies,
    headers,
    requests: () => requests,
    answer(next) {
      how = next;
    },
    async stop() {
      for (const response of unanswered) response.destroy();
      server.closeAllConnections();
      await new Promise((down) => server.close(down));
    },
  };
}

type Field = { readonly number: number; readonly bytes: Buffer; readonly value: bigint };

/** The fields of one protobuf message: numbers as `value`, all else as `bytes`. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const none = Buffer.alloc(0);
  while (at < message.length) {
    const key = Number(varint());
    const number = key >> 3;
    if ((key & 7) === 0) fields.push({ number, bytes: none, value: varint() });
    else if ((key & 7) === 1) {
      fields.push({ number, bytes: message.subarray(at, at + 8), value: message.readBigUInt64LE(at) });
      at += 8;
    } else if ((key & 7) === 5) {
      fields.push({ number, bytes: none, value: BigInt(message.readUInt32LE(at)) });
      at += 4;
    } else if ((key & 7) === 2) {
      const length = Number(varint());
      fields.push({ number, bytes: message.subarray(at, at + length), value: 0n });
      at += length;
    } else throw new Error(`no wire type is ${key & 7}`);
  }
  return fields;
}

const all = (message: Buffer, number: number) =>
  fieldsOf(message)
    .filter((field) => field.number === number)
    .map(({ bytes }) => bytes);

function attributesOf(pairs: readonly Buffer[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = Buffer.alloc(0)] = all(pair, 1);
      const [value] = fieldsOf(all(pair, 2)[0] ?? Buffer.alloc(0));
      return [key.toString(), plainOf(value)];
    }),
  );
}

/** opentelemetry.proto.common.v1.AnyValue */
function plainOf(field: Field | undefined): unknown {
  if (field === undefined) return undefined;
  if (field.number === 1) return field.bytes.toString();
  if (field.number === 2) return field.value === 1n;
  if (field.number === 3) return Number(BigInt.asIntN(64, field.value));
  return field.number === 4 ? field.bytes.readDoubleLE() : field.bytes;
}

/** opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest */
function decodeTraces(body: Buffer): CollectedSpan[] {
  return all(body, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(all(resourceSpans, 1).flatMap((one) => all(one, 1)));
    return all(resourceSpans, 2).flatMap((scope) => all(scope, 2).map((span) => decodeSpan(span, resource)));
  });
}

function decodeSpan(span: Buffer, resource: CollectedSpan['resource']): CollectedSpan {
  const fields = fieldsOf(span);
  const find = (number: number) => fields.find((field) => field.number === number);
  const hex = (number: number) => find(number)?.bytes.toString('hex') ?? '';
  const status = fieldsOf(find(15)?.bytes ?? Buffer.alloc(0)).find(({ number }) => number === 3);
  return {
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    name: find(5)?.bytes.toString() ?? '',
    kind: Number(find(6)?.value ?? 0n),
    startNs: find(7)?.value ?? 0n,
    endNs: find(8)?.value ?? 0n,
    attributes: attributesOf(all(span, 9)),
    events: all(span, 11).length,
    status: Number(status?.value ?? 0n),
    resource,
  };
}

/** The span above, in what was collected. */
export function parentOf(span: CollectedSpan, spans: readonly CollectedSpan[]): CollectedSpan | undefined {
  return spans.find(({ traceId, spanId }) => traceId === span.traceId && spanId === span.parentId);
}

/** Names from the first span of the trace down to this one. */
export function wayTo(span: CollectedSpan, spans: readonly CollectedSpan[]): string[] {
  const above = parentOf(span, spans);
  return above === undefined
    ? [span.parentId === '' ? span.name : `? ${span.name}`]
    : [...wayTo(above, spans), span.name];
}
