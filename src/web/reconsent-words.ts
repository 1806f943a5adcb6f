/** What a customer is told at each end of the way, and with which status: one row an end, in words that need no expert. */
import type { ConsentEnd } from '../reconsent/end.ts';

export interface EndWords {
  readonly status: number;
  readonly tone: 'good' | 'info' | 'warn' | 'bad';
  readonly title: string;
  readonly text: string;
  /** What the reader can do. */
  readonly next: string;
}

const linkAgain = 'Open the link you were sent once more and press its button.';
const askUs = 'Please tell the people who sent you the link; they can see what happened.';
const close = 'You can close this page.';
const unchanged = 'Nothing was changed.';

const words: Readonly<Record<ConsentEnd, EndWords>> = {
  done: {
    status: 200,
    tone: 'good',
    title: 'Done: you are connected',
    text: 'The new permission is stored and in use.',
    next: close,
  },
  already_done: {
    status: 200,
    tone: 'good',
    title: 'Already done',
    text: 'This connection has a newer permission than this link. There is nothing left to do.',
    next: close,
  },
  link_forged: {
    status: 404,
    tone: 'bad',
    title: 'This link is not complete',
    text: 'A part of the address is missing or was changed on its way, which mail programs sometimes do.',
    next: 'Open the link from the message itself, or copy its whole address.',
  },
  link_expired: {
    status: 410,
    tone: 'warn',
    title: 'This link has expired',
    text: `Links like this one work for a few days only. ${unchanged}`,
    next: 'Ask the people who sent it to you for a new one.',
  },
  form_refused: {
    status: 403,
    tone: 'warn',
    title: 'Please press the button once more',
    text: 'The page was open for long, or your browser keeps no cookies for this site.',
    next: 'Allow cookies for this site if your browser blocks them.',
  },
  gone: {
    status: 410,
    tone: 'warn',
    title: 'This connection no longer exists',
    text: 'It was removed since the link was made, so there is nothing to connect again.',
    next: 'If you did not expect that, tell the people who sent you the link.',
  },
  unusable: {
    status: 409,
    tone: 'bad',
    title: 'This connection has to be repaired first',
    text: 'What is stored of it cannot be changed as it is. Your permission would not help yet.',
    next: askUs,
  },
  not_offered: {
    status: 501,
    tone: 'bad',
    title: 'This cannot be done here',
    text: 'This connection cannot be authorised on this page.',
    next: askUs,
  },
  client_missing: {
    status: 500,
    tone: 'bad',
    title: 'Something is not set up on our side',
    text: `Our registration at the provider cannot be read. ${unchanged}`,
    next: askUs,
  },
  state_forged: {
    status: 400,
    tone: 'bad',
    title: 'We did not ask for this',
    text: `The address that led here was not made by us. ${unchanged}`,
    next: linkAgain,
  },
  state_expired: {
    status: 410,
    tone: 'warn',
    title: 'That took too long',
    text: `For your safety a sign-in must end within ten minutes. ${unchanged}`,
    next: linkAgain,
  },
  state_used: {
    status: 409,
    tone: 'warn',
    title: 'This page was opened before',
    text: 'Each sign-in works once. If you saw that you are connected, all is well.',
    next: `If you did not: ${linkAgain.charAt(0).toLowerCase()}${linkAgain.slice(1)}`,
  },
  other_provider: {
    status: 400,
    tone: 'bad',
    title: 'The answer came from another provider',
    text: `It does not belong to the sign-in that was begun. ${unchanged}`,
    next: linkAgain,
  },
  other_browser: {
    status: 403,
    tone: 'warn',
    title: 'This is not the browser you began with',
    text: `A sign-in must end in the browser in which it began, with cookies allowed for this site. ${unchanged}`,
    next: linkAgain,
  },
  denied: {
    status: 403,
    tone: 'info',
    title: 'You did not allow access',
    text: `${unchanged} The connection stays without permission until somebody allows access.`,
    next: `If that was a mistake: ${linkAgain.charAt(0).toLowerCase()}${linkAgain.slice(1)}`,
  },
  provider_error: {
    status: 502,
    tone: 'bad',
    title: 'The provider could not do this',
    text: `It sent you back without a permission. ${unchanged}`,
    next: `${linkAgain} If it happens again, tell the people who sent you the link.`,
  },
  code_refused: {
    status: 422,
    tone: 'warn',
    title: 'The permission came too late',
    text: `The provider no longer accepts it: it works for a short time and once. ${unchanged}`,
    next: linkAgain,
  },
  client_refused: {
    status: 502,
    tone: 'bad',
    title: 'The provider does not accept our registration',
    text: `You did nothing wrong. ${unchanged}`,
    next: askUs,
  },
  host_refused: {
    status: 502,
    tone: 'bad',
    title: 'Your account is somewhere we do not know',
    text: `The provider named a server that is not on our list, so we sent nothing there. ${unchanged}`,
    next: askUs,
  },
  answer_refused: {
    status: 502,
    tone: 'bad',
    title: 'We could not read the provider’s answer',
    text: 'You allowed access, but what came back to us was no usable permission. The connection is as it was before.',
    next: `${linkAgain} If it happens again, tell the people who sent you the link.`,
  },
  unanswered: {
    status: 504,
    tone: 'warn',
    title: 'The provider did not answer',
    text: 'You allowed access, but the provider did not finish. The connection is as it was before.',
    next: 'Wait a few minutes, then open the link you were sent once more.',
  },
  wrong_account: {
    status: 422,
    tone: 'warn',
    title: 'That was another account',
    text: 'You signed in with another account than the one this connection belongs to. The connection is as it was before.',
    next: 'Sign out at the provider, open the link once more, and sign in with the account you used before.',
  },
  not_now: {
    status: 503,
    tone: 'warn',
    title: 'Not possible just now',
    text: `Something we need does not answer at the moment. ${unchanged}`,
    next: 'Wait a few minutes, then open the link you were sent once more.',
  },
  store_failed: {
    status: 500,
    tone: 'bad',
    title: 'Your permission could not be stored',
    text: 'You did everything right, but we could not keep the result: the connection does not work yet.',
    next: 'Please open the link once more in a few minutes. If it fails again, tell the people who sent it to you.',
  },
  internal_error: {
    status: 500,
    tone: 'bad',
    title: 'Something went wrong on our side',
    text: 'We could not finish this.',
    next: `${linkAgain} If it happens again, tell the people who sent it to you.`,
  },
};

export function endWords(end: ConsentEnd): EndWords {
  return words[end];
}
