/** What a provider reads in a request of ours: the token, and who says to be asking. */
import type { PreparedRequest } from '../../../src/rotation/ports.ts';

/** The refresh token, however the provider's file has it sent. */
export function refreshTokenIn(request: PreparedRequest): string {
  return parameter(request, 'refresh_token') ?? '';
}

/** Client id and secret: in a Basic header or in the body (RFC 6749, 2.3.1). */
export function clientIn(request: PreparedRequest): { readonly clientId: string; readonly clientSecret: string } {
  const header = request.headers.authorization;
  if (typeof header === 'object') {
    const pair = Buffer.from(header.reveal().replace(/^Basic /, ''), 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    return { clientId: pair.slice(0, colon), clientSecret: pair.slice(colon + 1) };
  }
  return { clientId: parameter(request, 'client_id') ?? '', clientSecret: parameter(request, 'client_secret') ?? '' };
}

function parameter({ headers, body }: PreparedRequest, name: string): string | undefined {
  const type = String(headers['content-type']);
  const text = body.reveal();
  if (type.startsWith('application/json')) return (JSON.parse(text) as Record<string, string>)[name];
  if (type.startsWith('multipart/')) return new RegExp(`name="${name}"\\r\\n\\r\\n(.*)\\r\\n`).exec(text)?.[1];
  return new URLSearchParams(text).get(name) ?? undefined;
}
