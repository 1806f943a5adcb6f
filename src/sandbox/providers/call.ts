/**
 * A request as the sandbox's providers see it: where it went, who it says it is, and its parameters, read as strictly as a
 * real server reads them.
 */

export interface Place {
  readonly environment: string;
  /** Shard or data centre the host stands for; '' where the provider has none. */
  readonly name: string;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly place: Place;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is text or bytes. */
  readonly body?: unknown;
}

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

function contentType(call: Call): string {
  return String(call.headers['content-type'] ?? '');
}

/** Parameters of a form body; undefined where the content type is another. A name given twice is refused, as RFC 6749, 3.2 asks. */
export function formParameters(call: Call): ReadonlyMap<string, string> | undefined {
  if (!/^application\/x-www-form-urlencoded(?:;|$)/i.test(contentType(call))) return undefined;
  return unique([...new URLSearchParams(call.body.toString('utf8'))]);
}

/** Parameters of a multipart/form-data body; undefined where it is none, or is not well formed to the last boundary. */
export function multipartParameters(call: Call): ReadonlyMap<string, string> | undefined {
  const boundary = /^multipart\/form-data;\s*boundary="?([^";]{1,70})"?$/i.exec(contentType(call))?.[1];
  if (boundary === undefined) return undefined;
  const text = `\r\n${call.body.toString('utf8')}`;
  const parts = text.split(`\r\n--${boundary}`);
  if (parts.shift() !== '' || !/^--(?:\r\n)?$/.test(parts.pop() ?? '')) return undefined;
  const pairs: [string, string][] = [];
  for (const part of parts) {
    const [head, ...rest] = part.split('\r\n\r\n');
    const name = /^content-disposition:\s*form-data;\s*name="([^"]+)"$/im.exec(head ?? '')?.[1];
    if (name === undefined || rest.length === 0) return undefined;
    pairs.push([name, rest.join('\r\n\r\n')]);
  }
  return unique(pairs);
}

function unique(pairs: readonly [string, string][]): ReadonlyMap<string, string> | undefined {
  const parameters = new Map(pairs);
  return parameters.size === pairs.length ? parameters : undefined;
}

/** RFC 7617; undefined where there is no Basic header or it has no colon. */
export function basicCredentials(call: Call): Credentials | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(String(call.headers.authorization ?? ''))?.[1];
  const pair = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : { clientId: pair.slice(0, colon), clientSecret: pair.slice(colon + 1) };
}

export function bodyCredentials(parameters: ReadonlyMap<string, string>): Credentials | undefined {
  const clientId = parameters.get('client_id');
  const clientSecret = parameters.get('client_secret');
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret };
}

/** A page, as the front servers of most providers answer what they do not know. */
export function page(status: number, title: string): Reply {
  return {
    status,
    headers: { 'content-type': 'text/html' },
    body: `<!DOCTYPE html><html><title>${title}</title></html>`,
  };
}

/** An error in the form of RFC 6749, 5.2. */
export function oauthError(status: number, error: string, description?: string): Reply {
  return { status, body: description === undefined ? { error } : { error, error_description: description } };
}
