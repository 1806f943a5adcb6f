/**
 * The SDK's client, set up for many small calls: connections are kept, every call has one limit in time from the first
 * byte to the last, nothing is retried by itself, and the steps that serve neither us nor AWS are left out. Credentials,
 * Region and endpoint are the SDK's own business (default credential chain, AWS_REGION, AWS_ENDPOINT_URL).
 */
import { SecretsManagerClient, type SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Clock } from '../runtime/clock.ts';
import { Sha256 } from './aws-sha256.ts';
import type { ServerDate } from './clock-skew.ts';

export interface AwsClientOptions {
  readonly clock: Clock;
  readonly region?: string;
  readonly endpoint?: string;
  /** For tests; otherwise the SDK's default chain finds them. */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly limits: {
    /** To have a connection. */
    readonly connectMs: number;
    /** For a whole call, the answer's body included. */
    readonly requestMs: number;
  };
  /** Told the Date header of every answer, and when it was asked for and came: how far AWS's clock is from ours. */
  readonly onServerDate?: (date: ServerDate) => void;
}

type Handle = NodeHttpHandler['handle'];
type Answer = Awaited<ReturnType<Handle>>;

/** More sockets than calls in flight at once; the SDK's 50 would queue a busy worker's calls behind one another. */
const socketsMax = 256;

/** Ends a call's timer; a constant, because making an error for each call costs more than the timer itself. */
const finished = new Error('finished');

function overdue(): Error {
  return Object.assign(new Error('no complete answer in time'), { name: 'TimeoutError' });
}

/** Runs one request under the limit. The answer's body is read later, so the limit ends when the body does. */
async function limited(
  inner: NodeHttpHandler,
  request: Parameters<Handle>[0],
  options: AwsClientOptions,
): Promise<Answer> {
  const { clock, limits } = options;
  const call = new AbortController();
  const timer = new AbortController();
  clock.sleep(limits.requestMs, timer.signal).then(
    () => call.abort(overdue()),
    () => undefined,
  );
  const stop = () => timer.abort(finished);
  const sentAt = clock.now();
  try {
    const answer = await inner.handle(request, { abortSignal: call.signal });
    answer.response.body.once('close', stop);
    const serverAt = Date.parse(answer.response.headers.date ?? '');
    if (!Number.isNaN(serverAt)) options.onServerDate?.({ serverAt, sentAt, receivedAt: clock.now() });
    return answer;
  } catch (error) {
    stop();
    throw call.signal.aborted ? overdue() : error;
  }
}

function createHandler(options: AwsClientOptions) {
  const agent = { keepAlive: true, maxSockets: socketsMax };
  const inner = new NodeHttpHandler({
    connectionTimeout: options.limits.connectMs,
    httpAgent: agent,
    httpsAgent: agent,
  });
  return {
    metadata: inner.metadata,
    handle: (request: Parameters<Handle>[0]) => limited(inner, request, options),
    destroy: () => inner.destroy(),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

/**
 * Takes out what a call of ours does not need. The retry step stays as an empty one of the same name, since the signing
 * step is placed relative to it; the user agent becomes a constant.
 */
function lighten(client: SecretsManagerClient): void {
  const stack = client.middlewareStack;
  stack.remove('loggerMiddleware');
  stack.remove('recursionDetectionMiddleware');
  stack.remove('getUserAgentMiddleware');
  stack.add((next) => (args) => next(args), {
    name: 'retryMiddleware',
    step: 'finalizeRequest',
    priority: 'high',
    override: true,
  });
  stack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['user-agent'] = 'pilotlight';
      return next(args);
    },
    { name: 'pilotlightUserAgent', step: 'build' },
  );
  const { config } = client;
  const makeSigner = config.signer;
  let signer: ReturnType<typeof makeSigner> | undefined;
  // One signer for the life of the client: it asks for credentials anew on every signature, so nothing goes stale.
  config.signer = (scheme) => {
    signer ??= makeSigner(scheme).catch((error: unknown) => {
      signer = undefined;
      throw error;
    });
    return signer;
  };
}

export function createAwsClient(options: AwsClientOptions): SecretsManagerClient {
  const { region, endpoint, credentials } = options;
  const config: SecretsManagerClientConfig = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 1,
    cacheMiddleware: true,
    sha256: Sha256,
    requestHandler: createHandler(options),
  };
  const client = new SecretsManagerClient(config);
  lighten(client);
  return client;
}
