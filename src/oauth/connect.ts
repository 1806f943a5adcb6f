/**
 * Opens one connection for one request: TCP, then TLS with the certificate verified, always. It is a step of its own so
 * that its failure proves something: before it resolves, no byte of a request can have left us, and the token is unspent.
 */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { Clock } from '../runtime/clock.ts';
import { privateAddressCode } from './private-address.ts';

export interface Origin {
  /** Host name as in the URL; an IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
}

export type Connected = { readonly ok: true; readonly socket: Socket } | { readonly ok: false; readonly label: string };

export interface ConnectOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly lookup?: LookupFunction;
  /** Certificates trusted; the system's unless given. */
  readonly secureContext?: SecureContext;
}

/** Ends a timer; a constant, because an abort without a reason makes an error with a stack for each connection. */
const opened = new Error('opened');

/** Never rejects. `timeoutMs` covers name lookup, TCP and TLS together. */
export async function openConnection(origin: Origin, options: ConnectOptions): Promise<Connected> {
  const timer = new AbortController();
  const opening = Promise.withResolvers<Connected>();
  const socket = open(origin, options);
  const fail = (label: string) => {
    opening.resolve({ ok: false, label });
    socket.destroy();
  };
  const onError = (error: unknown) => fail(connectionLabel(error));
  socket.once('error', onError);
  const onClose = () => fail('connection_closed');
  socket.once('close', onClose);
  socket.once(origin.tls ? 'secureConnect' : 'connect', () => opening.resolve({ ok: true, socket }));
  options.clock.sleep(options.timeoutMs, timer.signal).then(
    () => fail('connect_timeout'),
    () => {},
  );
  const connected = await opening.promise;
  timer.abort(opened);
  if (connected.ok) {
    socket.off('error', onError);
    socket.off('close', onClose);
  } else {
    // A late error of a socket we gave up must not end the process.
    socket.on('error', () => {});
  }
  return connected;
}

function open(origin: Origin, { lookup, secureContext }: ConnectOptions): Socket {
  const target = { host: origin.hostname, port: origin.port, ...(lookup === undefined ? {} : { lookup }) };
  if (!origin.tls) return connectTcp(target);
  return connectTls({
    ...target,
    // RFC 6066, 3: a server name is never an address; an address is checked against the certificate all the same.
    ...(isIP(origin.hostname) === 0 ? { servername: origin.hostname } : {}),
    ...(secureContext === undefined ? {} : { secureContext }),
    // Said explicitly, so that no environment variable turns it off.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
  });
}

const labels: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  ENOTFOUND: 'dns_not_found',
  EAI_AGAIN: 'dns_failed',
  ETIMEDOUT: 'connect_timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EPROTO: 'tls_failed',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_certificate',
  [privateAddressCode]: 'private_address',
};

/** A stable word for a socket, TLS or HTTP error; never its message, which may quote what was received. */
export function connectionLabel(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return 'network_error';
  const known = labels[code];
  if (known !== undefined) return known;
  // Several addresses of a name were tried, and all failed.
  const each = (error as { errors?: unknown[] }).errors?.[0];
  if (each !== undefined) return connectionLabel(each);
  if (code.startsWith('CERT_')) return 'tls_certificate';
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return 'tls_failed';
  return code.startsWith('HPE_') ? 'http_malformed' : 'network_error';
}
