/**
 * Ends a connection's token at the provider when a customer leaves (RFC 7009, or the provider's own form of it). Success
 * means the token is dead afterwards; everything else is told apart, so that off-boarding never claims what it did not do.
 */
import type { Exchange, PreparedRequest, RawAnswer } from '../rotation/ports.ts';
import { readBody } from './body.ts';
import { complaintIn } from './refusal.ts';
import { type ClientIdentity, type RequestSettings, type RevocationSubject, revocationRequest } from './request.ts';
import { scrubCode, scrubDescription } from './scrub.ts';

export type RevocationRequest = RevocationSubject;

export type Revocation =
  /** The provider accepted it. */
  | { readonly kind: 'revoked' }
  /** The provider says the token was dead before. */
  | { readonly kind: 'alreadyDead'; readonly error: string }
  /** The provider has no revocation endpoint: only the customer can withdraw consent, in the provider's own pages. */
  | { readonly kind: 'unsupported' }
  /** Not accepted; the token may well be alive. */
  | { readonly kind: 'refused'; readonly status: number; readonly error?: string; readonly description?: string }
  /** No answer. Where `sent` is false nothing reached the provider. Revoking twice harms nothing: try again. */
  | { readonly kind: 'failed'; readonly sent: boolean; readonly label: string };

export interface RevocationMeans {
  readonly building: RequestSettings;
  send(request: PreparedRequest): Promise<Exchange>;
}

/** Throws `refused` when the host is not allowed or the client has no secret where one is needed. */
export async function revokeToken(
  subject: RevocationSubject,
  client: ClientIdentity,
  means: RevocationMeans,
): Promise<Revocation> {
  const { environments, revocation } = subject.provider;
  const offered =
    Object.hasOwn(environments, subject.environment) && environments[subject.environment]?.revocationUrl !== undefined;
  if (revocation === undefined || !offered) return { kind: 'unsupported' };
  const exchange = await means.send(revocationRequest(subject, revocation, client, means.building));
  switch (exchange.kind) {
    case 'notSent':
      return { kind: 'failed', sent: false, label: exchange.label };
    case 'unanswered':
      return { kind: 'failed', sent: true, label: exchange.label };
    case 'answered':
      return readRevocation(exchange.answer, revocation, subject.token.reveal());
  }
}

function readRevocation(
  answer: RawAnswer,
  rules: { readonly alreadyDead: readonly string[] },
  token: string,
): Revocation {
  const body = readBody(answer);
  const complaint = body.kind === 'members' ? complaintIn(body.root) : undefined;
  const code = complaint?.code;
  if (code !== undefined && rules.alreadyDead.some((dead) => dead.toLowerCase() === code.toLowerCase())) {
    return { kind: 'alreadyDead', error: scrubCode(code, token) ?? 'already_dead' };
  }
  // RFC 7009, 2.2: 200 also for a token that was invalid; a page of HTML is no such answer.
  if (answer.status >= 200 && answer.status < 300 && complaint === undefined && body.kind !== 'html')
    return { kind: 'revoked' };
  const error = scrubCode(code, token);
  const description = scrubDescription(complaint?.description, token);
  return {
    kind: 'refused',
    status: answer.status,
    ...(error === undefined ? {} : { error }),
    ...(description === undefined ? {} : { description }),
  };
}
