/**
 * A rotation's steps in a trace: its ports, each call of them a step. The protocol knows nothing of it. Attributes are names
 * (OpenTelemetry's conventions where there are any), ids, statuses and labels: no URL, header, body or value.
 */
import type { StepDetails, Tracer } from '../runtime/tracer.ts';
import type { RotationPorts } from './attempt.ts';
import type {
  Exchange,
  Lease,
  LeaseAnswer,
  Leases,
  Permits,
  SecretStore,
  Spool,
  SpoolRecord,
  TokenEndpoint,
} from './ports.ts';
import { tracedStore } from './traced-store.ts';

export interface TracedPortsOptions {
  readonly tracer: Tracer;
  readonly store: 'aws' | 'file';
  /** The connection a secret's full name stands for. */
  readonly idOf: (name: string) => string | undefined;
}

export function tracedPorts<P extends RotationPorts>(ports: P, { tracer, store, idOf }: TracedPortsOptions): P {
  return {
    ...ports,
    leases: tracedLeases(ports.leases, tracer),
    permits: tracedPermits(ports.permits, tracer),
    spool: tracedSpool(ports.spool, tracer),
    endpoint: tracedEndpoint(ports.endpoint, tracer),
    store: tracedStore(ports.store, tracer, store, idOf) satisfies SecretStore,
  };
}

/** A step of one connection. */
const of = (connection: string): StepDetails => ({ attributes: { 'pilotlight.connection': connection } });

function tracedLeases(leases: Leases, tracer: Tracer): Leases {
  const words = (answer: LeaseAnswer) => ('refused' in answer ? answer.refused : 'given');
  return {
    async acquire(connection, options) {
      const answer = await tracer.step(
        'lease',
        of(connection),
        () => leases.acquire(connection, options),
        (given) => ({ attributes: { 'pilotlight.lease': words(given) } }),
      );
      return 'refused' in answer ? answer : { lease: tracedLease(answer.lease, connection, tracer) };
    },
  };
}

function tracedLease(lease: Lease, connection: string, tracer: Tracer): Lease {
  return {
    remainingMs: () => lease.remainingMs(),
    stillOurs: () =>
      tracer.step(
        'last look',
        of(connection),
        () => lease.stillOurs(),
        (ours) => ({ attributes: { 'pilotlight.lease': ours ? 'ours' : 'lost' } }),
      ),
    release: () => lease.release(),
    coolDown: (ms) => lease.coolDown(ms),
  };
}

function tracedPermits(permits: Permits, tracer: Tracer): Permits {
  return {
    request: (provider, perSecond, signal) =>
      tracer.step('permit to request', { attributes: { 'pilotlight.provider': provider } }, () =>
        permits.request(provider, perSecond, signal),
      ),
    writes: (count, share, signal) =>
      tracer.step('permit to write', { attributes: { 'pilotlight.writes': count, 'pilotlight.share': share } }, () =>
        permits.writes(count, share, signal),
      ),
  };
}

function tracedSpool(spool: Spool, tracer: Tracer): Spool {
  return {
    async begin(intent) {
      const attributes = { 'pilotlight.connection': intent.connection, 'pilotlight.attempt': intent.attempt };
      return tracedRecord(await tracer.step('intent', { attributes }, () => spool.begin(intent)), tracer);
    },
    recordsOf: (connection) => spool.recordsOf(connection),
    openOf: (connection) => spool.openOf(connection),
    connections: () => spool.connections(),
    refreshMirror: () => spool.refreshMirror(),
    all: () => spool.all(),
    unreadable: () => spool.unreadable(),
    stats: () => spool.stats(),
  };
}

function tracedRecord(record: SpoolRecord, tracer: Tracer): SpoolRecord {
  const details = of(record.intent.connection);
  return {
    intent: record.intent,
    found: record.found,
    get state() {
      return record.state;
    },
    answer: () => record.answer(),
    seal: (answer) => tracer.step('seal', details, () => record.seal(answer)),
    setAside: (isAside) => record.setAside(isAside),
    remove: () => tracer.step('settle', details, () => record.remove()),
  };
}

/** An HTTP client span by the conventions, but for its URL: some hold what nobody else may see. */
function tracedEndpoint(endpoint: TokenEndpoint, tracer: Tracer): TokenEndpoint {
  return {
    prepare: (subject, credentials) => endpoint.prepare(subject, credentials),
    send: (request) =>
      tracer.step(
        'POST',
        {
          kind: 'client',
          attributes: {
            'http.request.method': 'POST',
            'server.address': request.host,
            'pilotlight.step': 'token request',
          },
        },
        () => endpoint.send(request),
        endOf,
      ),
    read: (provider, answer, sent) => endpoint.read(provider, answer, sent),
  };
}

function endOf(exchange: Exchange) {
  if (exchange.kind !== 'answered')
    return { attributes: { 'pilotlight.exchange': exchange.kind }, error: exchange.label };
  const { status, complete } = exchange.answer;
  const error = status >= 400 ? String(status) : undefined;
  return {
    attributes: { 'pilotlight.exchange': exchange.kind, 'http.response.status_code': status },
    error: complete ? error : 'incomplete',
  };
}
