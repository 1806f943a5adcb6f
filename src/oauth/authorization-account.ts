/**
 * Asks the provider which account has just consented (OpenID Connect Core 1.0, 5.3, or the provider's own form of it), so
 * that a connection is not given another customer's tokens. Without an answer nothing is concluded.
 */
import { request as startRequest } from 'node:http';
import type { Provider } from '../../config/provider.ts';
import type { RawAnswer } from '../rotation/ports.ts';
import type { Secret } from '../runtime/secret.ts';
import { isObject, memberOf, readBody } from './body.ts';
import { openConnection } from './connect.ts';
import type { JsonValue } from './json.ts';
import { isLoopbackHost } from './target.ts';
import type { TransportSettings } from './transport.ts';

/** An access token was sent; a customer waits in a browser, and the new tokens are not stored yet. */
const askMsMax = 5_000;
const bodyBytesMax = 65_536;
const headBytesMax = 16_384;
const accountLengthMax = 128;

/** Ends a timer; a constant, because an abort without a reason makes an error with a stack. */
const finished = new Error('finished');

/**
 * The account's name at the provider; undefined where it does not say one. `had` is the account that is hoped for: a
 * customer may have several. Never rejects: no redirect, no retry.
 */
export async function askAccount(
  provider: Provider,
  url: URL,
  accessToken: Secret,
  settings: TransportSettings,
  had?: string,
): Promise<string | undefined> {
  try {
    const answer = await get(url, accessToken, settings);
    return answer === undefined ? undefined : accountIn(provider, answer, accessToken, had);
  } catch {
    return undefined;
  }
}

/** Pure. */
export function accountIn(
  provider: Provider,
  answer: RawAnswer,
  accessToken: Secret,
  had?: string,
): string | undefined {
  const rule = provider.authorization?.account ?? 'none';
  const body = readBody(answer);
  if (rule === 'none' || answer.status !== 200 || !answer.complete || body.kind !== 'members') return undefined;
  const path = rule.field.split('.');
  const named = (every: boolean) =>
    path
      .reduce<readonly JsonValue[]>((values, name) => values.flatMap(step(name, rule.chosenBy, every)), [body.root])
      .map((value) => nameOf(value, accessToken))
      .filter((name) => name !== undefined);
  const hoped = had?.trim().toLowerCase();
  return named(true).find((name) => name.toLowerCase() === hoped) ?? named(false)[0];
}

/** From a value to its member of this name; through a list by all of its elements, or only by the one that is meant. */
function step(name: string, chosenBy: string | undefined, every: boolean): (value: JsonValue) => JsonValue[] {
  return (value) => {
    const items = typeof value === 'object' && value?.kind === 'array' ? value.items : [value];
    return (every ? items : meantOf(items, chosenBy)).flatMap((item) => {
      const member = isObject(item) && !item.conflicts.has(name) ? memberOf(item, name) : undefined;
      return member === undefined ? [] : [member];
    });
  };
}

function meantOf(items: readonly JsonValue[], chosenBy: string | undefined): readonly JsonValue[] {
  if (items.length === 1 || chosenBy === undefined) return items.length === 1 ? items : [];
  const chosen = items.filter((item) => isObject(item) && memberOf(item, chosenBy) === true);
  return chosen.length === 1 ? chosen : [];
}

function nameOf(value: JsonValue, accessToken: Secret): string | undefined {
  const text = typeof value === 'object' && value?.kind === 'number' ? value.raw : value;
  if (typeof text !== 'string' || text.length > accountLengthMax || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  // The token itself is no account's name, however the answer came to hold it.
  const token = accessToken.reveal();
  return text.length >= 8 && (token.includes(text) || text.includes(token)) ? undefined : text;
}

async function get(url: URL, accessToken: Secret, settings: TransportSettings): Promise<RawAnswer | undefined> {
  const target = settings.connectTo ?? url;
  const tls = target.protocol === 'https:';
  const limit = new AbortController();
  const overall = new AbortController();
  settings.clock.sleep(askMsMax, limit.signal).then(
    () => overall.abort(),
    () => {},
  );
  try {
    const connected = await openConnection(
      { hostname: target.hostname.replace(/^\[|\]$/g, ''), port: Number(target.port) || (tls ? 443 : 80), tls },
      {
        clock: settings.clock,
        timeoutMs: Math.min(settings.limits.connectMs, askMsMax),
        ...(settings.secureContext === undefined ? {} : { secureContext: settings.secureContext }),
        ...(isLoopbackHost(target.hostname) ? {} : { lookup: settings.lookup }),
      },
    );
    if (!connected.ok) return undefined;
    return await new Promise<RawAnswer | undefined>((settle) => {
      const end = (answer?: RawAnswer) => {
        settle(answer);
        outgoing.destroy();
        connected.socket.destroy();
      };
      const outgoing = startRequest({
        createConnection: () => connected.socket,
        method: 'GET',
        path: url.pathname + url.search,
        headers: { host: url.host, authorization: `Bearer ${accessToken.reveal()}`, accept: 'application/json' },
        maxHeaderSize: headBytesMax,
        insecureHTTPParser: false,
      });
      outgoing.on('error', () => end());
      outgoing.on('close', () => end());
      outgoing.on('upgrade', () => end());
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > bodyBytesMax) end();
          else chunks.push(chunk);
        });
        incoming.on('error', () => end());
        incoming.on('end', () => {
          const type = incoming.headers['content-type'];
          end({
            status: incoming.statusCode ?? 0,
            headers: type === undefined ? {} : { 'content-type': type },
            body: Buffer.concat(chunks),
            complete: incoming.complete,
            receivedAt: settings.clock.now(),
          });
        });
      });
      overall.signal.addEventListener('abort', () => end(), { once: true });
      if (overall.signal.aborted) end();
      else outgoing.end();
    });
  } finally {
    limit.abort(finished);
  }
}
