/** The provider files as the service reads them, and short ways to make the answers tests feed to the reader. */
import { expect, test } from 'vitest';
import { readAnswer } from '../../src/oauth/answer.ts';
import type { Answer, RawAnswer } from '../../src/rotation/ports.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { type ProviderName, providerFile } from './shipped-providers.ts';

export { type ProviderName, providerFile, providerNames } from './shipped-providers.ts';

export const answeredAt = Date.parse('2026-11-20T08:00:00Z');

export function rawAnswer(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
  complete = true,
): RawAnswer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: bytes,
    complete,
    receivedAt: answeredAt,
  };
}

/** An answer with its secrets laid open, for comparison. */
export function laidOpen(answer: Answer): Record<string, unknown> {
  if (answer.kind !== 'granted') return { ...answer };
  return { ...answer, refreshToken: answer.refreshToken?.reveal(), accessToken: answer.accessToken?.reveal() };
}

export const sentToken = 'PLTOKEN-old-7f3a9c51d2e84b06';
export const next = 'PLTOKEN-new-51d2e84b067f3a9c';
export const access = 'PLTOKEN-access-84b067f3a9c51d2e';
/** What DocuSign answers. */
export const good = { access_token: access, token_type: 'Bearer', refresh_token: next, expires_in: 28_800 };
export const goodJson = JSON.stringify(good);
/** What is expected of an answer that brought both tokens, or left the old refresh token in place. */
export const renewed = { kind: 'granted', refreshToken: next, accessToken: access };
export const keptOld = { kind: 'granted', refreshToken: undefined, accessToken: access };

/** Reads an answer to a request that carried `sentToken`. */
export function read(answer: RawAnswer, name: ProviderName = 'docusign', scope?: string): Record<string, unknown> {
  const sent = { refreshToken: new Secret(sentToken), ...(scope === undefined ? {} : { scope }) };
  return laidOpen(readAnswer(providerFile(name), answer, sent));
}

/** A row of a table of answers; only the members given in `expected` are compared. */
export type Row = [title: string, answer: RawAnswer, expected: Record<string, unknown>, provider?: ProviderName];

export function check(rows: Row[]): void {
  test.each(rows)('%s', (_title, answer, expected, name) => {
    expect(read(answer, name)).toMatchObject(expected);
  });
}

export function success(changes: Record<string, unknown>, headers?: Record<string, string>): RawAnswer {
  return rawAnswer(200, { ...good, ...changes }, headers);
}
