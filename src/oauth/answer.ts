/**
 * Reads a token endpoint's answer. A pure function that never throws, because it runs again on every start over sealed
 * answers. After a 2xx nothing is thrown away: what is not understood is `notUnderstood`, never a refusal of the token.
 */
import type { Provider } from '../../config/provider.ts';
import type { Answer, Oddity, RawAnswer } from '../rotation/ports.ts';
import { type AnswerBody, isObject, memberOf, readBody } from './body.ts';
import { granted, type Sent } from './granted.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { complaintIn, refusal, requestIdOf } from './refusal.ts';
import { holdsRefreshToken, salvage, tokenInForm } from './salvage.ts';

/** See TokenEndpoint.read. */
export function readAnswer(provider: Provider, answer: RawAnswer, sent: Sent): Answer {
  try {
    const body = readBody(answer);
    return answer.status >= 200 && answer.status < 300
      ? readSuccess(provider, answer, body, sent)
      : readRefusal(provider, answer, body, sent);
  } catch {
    // No reason is known why this could happen. If it does, nothing is concluded from it.
    return { kind: 'notUnderstood', status: answer.status, why: 'reader_failed', salvageable: false };
  }
}

function readSuccess(provider: Provider, answer: RawAnswer, body: AnswerBody, sent: Sent): Answer {
  switch (body.kind) {
    case 'members':
      return readMembers(provider, answer, body, sent);
    case 'empty':
      // 204 or nothing at all: whether the token was spent, nobody can say.
      return unknown(answer, sent, 'empty_success');
    case 'html':
      // A portal or firewall answered in the provider's place; but a token in it would be a token.
      if (holdsRefreshToken(body.text, sent.refreshToken.reveal())) return notUnderstood(answer, 'html', true);
      return unknown(answer, sent, 'html_success');
    case 'unreadable':
      return readRemains(provider, answer, body, sent);
  }
}

function readMembers(
  provider: Provider,
  answer: RawAnswer,
  body: AnswerBody & { kind: 'members' },
  sent: Sent,
): Answer {
  const wrapped = provider.answer.wrappedIn === undefined ? undefined : memberOf(body.root, provider.answer.wrappedIn);
  const root = !holdsToken(body.root) && isObject(wrapped) ? wrapped : body.root;
  const complaint = complaintIn(body.root) ?? (root === body.root ? undefined : complaintIn(root));
  if (!holdsToken(root)) {
    if (holdsRefreshToken(body.text, sent.refreshToken.reveal()))
      return notUnderstood(answer, 'refresh_token_elsewhere', true);
    if (complaint !== undefined)
      return refusal(provider, answer, 400, complaint, body.root, sent.refreshToken.reveal());
    if (!answer.complete) return unknown(answer, sent, 'truncated');
    return notUnderstood(answer, 'no_token', false);
  }
  // In a cut form the refresh token may be what is missing; a whole JSON object is whole, however the connection ended.
  if (!answer.complete && body.form === 'urlencoded' && memberOf(root, 'refresh_token') === undefined)
    return unknown(answer, sent, 'truncated');
  const noticed: Oddity[] = [];
  if (complaint !== undefined && complaint.member !== 'status') noticed.push('error_in_success');
  if (body.form === 'urlencoded') noticed.push('form_encoded');
  else if (!/\bjson\b/i.test(answer.headers['content-type'] ?? '')) noticed.push('content_type_unusual');
  if (!answer.complete) noticed.push('salvaged');
  const made = granted(provider, answer, root, sent, noticed);
  // A token in a place nobody reads is a token all the same: the old one may be spent for it.
  if (
    made.kind === 'granted' &&
    made.refreshToken === undefined &&
    holdsRefreshToken(body.text, sent.refreshToken.reveal())
  )
    return notUnderstood(answer, 'refresh_token_elsewhere', true);
  return made;
}

/**
 * A body that broke off or nests without end still counts when a whole refresh token is in it (the store needs it now, not
 * after somebody was woken); one that is wrong in itself does not, because then nothing in it can be relied on.
 */
function readRemains(
  provider: Provider,
  answer: RawAnswer,
  body: AnswerBody & { kind: 'unreadable' },
  sent: Sent,
): Answer {
  const sentToken = sent.refreshToken.reveal();
  const cut = body.why === 'json_truncated' || (!answer.complete && body.why !== 'too_large');
  if (!cut && body.why !== 'json_too_deep')
    return notUnderstood(answer, body.why, holdsRefreshToken(body.text, sentToken));
  const found = salvage(body.text);
  if (found.refreshToken === undefined) {
    return cut && !holdsRefreshToken(body.text, sentToken)
      ? unknown(answer, sent, 'truncated')
      : notUnderstood(answer, body.why, holdsRefreshToken(body.text, sentToken));
  }
  const members = new Map<string, JsonValue>([['refresh_token', found.refreshToken]]);
  if (found.accessToken !== undefined) members.set('access_token', found.accessToken);
  if (found.expiresIn !== undefined) members.set('expires_in', found.expiresIn);
  return granted(provider, answer, { kind: 'object', members, conflicts: new Set() }, sent, ['salvaged']);
}

function readRefusal(provider: Provider, answer: RawAnswer, body: AnswerBody, sent: Sent): Answer {
  const sentToken = sent.refreshToken.reveal();
  // A redirect or a failing server that hands out a token all the same: kept, for a person to look at. A 4xx is a plain
  // refusal, and what its body says of "refresh_token" is a complaint about ours.
  if ((answer.status < 400 || answer.status >= 500) && 'text' in body && isNewToken(body.text, sentToken)) {
    return notUnderstood(answer, 'token_in_refusal', true);
  }
  const root = body.kind === 'members' ? body.root : undefined;
  return refusal(provider, answer, answer.status, root === undefined ? undefined : complaintIn(root), root, sentToken);
}

/** Long and without spaces, so that a message in a token's place is not taken for one. */
function isNewToken(text: string, sent: string): boolean {
  const token = salvage(text).refreshToken ?? tokenInForm(text);
  return token !== undefined && token !== sent && /^\S{16,}$/.test(token);
}

/** True where a token member is there in any form but null: to be judged as a success. */
function holdsToken(root: JsonObject): boolean {
  return ['access_token', 'refresh_token'].some((name) => {
    const value = memberOf(root, name);
    return value !== undefined && value !== null && value !== '';
  });
}

function unknown(answer: RawAnswer, sent: Sent, error: string): Answer {
  const requestId = requestIdOf(answer, undefined, sent.refreshToken.reveal());
  return {
    kind: 'refused',
    means: 'unknown',
    status: answer.status,
    error,
    ...(requestId === undefined ? {} : { requestId }),
  };
}

function notUnderstood(answer: RawAnswer, why: string, salvageable: boolean): Answer {
  return { kind: 'notUnderstood', status: answer.status, why, salvageable };
}
