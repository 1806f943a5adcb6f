/** A notice as an e-mail: both parts complete, nothing injected, mails of one incident together; and what failures mean. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { failureMeaning, smtpOptions } from '../../src/alerts/channels/email.ts';
import { emailText, emailThread } from '../../src/alerts/channels/email-text.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { hostileTexts, sampleNotice } from '../support/sample-notice.ts';

const from = 'Pilotlight <alerts@example.com>';

describe('an e-mail', () => {
  const { subject, text, html } = emailText(sampleNotice({ message: { hits: { count: 12, of: 400 } } }));

  test('says in its subject what it is about', () =>
    expect(subject).toBe('[PAGE] Connection needs a new consent: acme/esign (DocuSign, production)'));

  test('is plain to read as text', () =>
    expect(text).toBe(`PAGE: Connection needs a new consent: acme/esign (DocuSign, production)
Opened 2026-11-20 08:00 UTC, environment production

Connection: acme/esign
Owner: Acme Ltd
Provider: docusign
Client: docusign-main
Hit: 12 of 400 connections
Deadline: 2026-11-23 08:00 UTC, in 3 days (idle)
Why: invalid_grant: the token was revoked

Who can act: customer
The customer authorises again with the link; the same connection then lives on.
Ends when the new grant is stored.

Ask for a new consent: https://pilotlight.example.com/reconsent/abc?a=1&b=2
Runbook: https://runbooks.example.com/reauth_required

    pilotlight show acme/esign
`));

  test('says the same in HTML', () => {
    for (const part of [
      'acme/esign',
      'Acme Ltd',
      '12 of 400',
      '2026-11-23 08:00 UTC',
      'Who can act: customer',
      'Ends when',
    ])
      expect(html).toContain(part);
    expect(html).toContain(
      '<a href="https://pilotlight.example.com/reconsent/abc?a=1&amp;b=2">Ask for a new consent</a>',
    );
    expect(html).toContain('<pre style="white-space:pre-wrap">pilotlight show acme/esign</pre>');
  });

  test('loads nothing from anywhere', () =>
    expect(html).not.toMatch(/<(?:img|link|script|style|iframe|object|form)|\bsrc=|url\(|@import/i));

  test('of what has ended asks nobody to act, and links to no consent any more', () => {
    const ended = emailText(sampleNotice({ event: 'resolved', at: Date.parse('2026-11-20T11:20:00Z') }));
    expect(ended.subject).toMatch(/^\[RESOLVED\] /);
    expect(ended.text).toContain('ended 2026-11-20 11:20 UTC after 3 hours 20 minutes');
    for (const part of [ended.text, ended.html]) expect(part).not.toMatch(/Who can act|reconsent|pilotlight show/);
  });

  test.for(hostileTexts)('shows %j as text, wherever it stands', (hostile) => {
    const shown = emailText(
      sampleNotice({
        message: {
          title: hostile,
          environment: hostile,
          owner: hostile,
          action: hostile,
          command: hostile,
          facts: [{ label: hostile, value: hostile }],
          links: [{ label: hostile, url: 'https://runbooks.example.com/"><script>' }],
        },
      }),
    );
    expect(shown.subject).not.toMatch(/[\r\n\p{Cc}\p{Cf}]/u);
    expect(shown.html).not.toMatch(/<script|<img|<b>|onmouseover="/);
    // Only the links we made are links.
    expect(shown.html.match(/<a href="[^"]*"/g)).toEqual(['<a href="https://runbooks.example.com/%22%3E%3Cscript%3E"']);
    expect(shown.text).not.toMatch(/^Bcc:|[\r\0\u2028\u202E\u200B]/m);
    expect(shown.html).not.toMatch(/[\r\0\u2028\u202E\u200B]/);
  });

  test.for([
    'javascript:alert(1)',
    'data:text/html,x',
    'https://user:password@example.com/',
    'nonsense',
  ])('does not link to %s', (url) => {
    const shown = emailText(sampleNotice({ message: { links: [{ label: 'Runbook', url }] } }));
    expect(shown.html).not.toContain('<a ');
    expect(shown.text).not.toContain(url);
  });

  test('has a subject that fits a header line', () => {
    const { subject: long } = emailText(sampleNotice({ message: { title: '😀'.repeat(400) } }));
    expect(long.length).toBeLessThanOrEqual(250);
    expect(long.isWellFormed()).toBe(true);
  });
});

describe('mails of one incident', () => {
  const opened = emailThread(sampleNotice(), undefined, from);
  const ended = sampleNotice({ id: 'notice-2', event: 'resolved' });

  test('have the same id on every try, and another for every notice', () => {
    expect(emailThread(sampleNotice({ at: 1 }), undefined, from)).toEqual(opened);
    expect(emailThread(ended, undefined, from).messageId).not.toBe(opened.messageId);
    expect(opened.messageId).toMatch(/^<notice\.[0-9a-f]{32}@example\.com>$/);
  });

  test('refer to the mail before them, and to their incident', () => {
    expect(emailThread(ended, opened.messageId, from)).toMatchObject({
      inReplyTo: opened.messageId,
      references: [opened.references[0], opened.messageId],
    });
  });

  test('stay together where everything we knew was lost', () =>
    expect(emailThread(ended, undefined, from)).toMatchObject({
      inReplyTo: opened.inReplyTo,
      references: opened.references,
    }));

  test('do not get mixed up with those of another', () =>
    expect(emailThread(sampleNotice({ key: 'other' }), undefined, from).references).not.toEqual(opened.references));

  test.for([
    '<a@b>\r\nBcc: eve@evil.example.com',
    'C0123456789:1.1',
    '<x y@z>',
    '',
  ])('take no reference %j into a header', (reference) =>
    expect(emailThread(ended, reference, from).references).toEqual(opened.references));

  test.for([
    ['alerts@example.com', 'example.com'],
    ['"A @ B" <alerts@mail.example.com> ', 'mail.example.com'],
    ['alerts', 'pilotlight.invalid'],
    ['a@b\r\nX: y', 'pilotlight.invalid'],
    ['a@exa mple.com', 'pilotlight.invalid'],
  ])('sent from %j are named at %s', ([address = '', domain]) =>
    expect(emailThread(sampleNotice(), undefined, address).messageId.split('@')[1]).toBe(`${domain}>`));
});

describe('a mail server is spoken to', () => {
  const password = new Secret('canary-4711');
  const smtp = { host: 'mail.example.com', port: 587, secure: false };

  test('with TLS before a password leaves, but to this machine itself', () => {
    expect(smtpOptions({ ...smtp, user: 'u', password }, 1).requireTLS).toBe(true);
    for (const host of ['127.0.0.1', 'localhost', '::1'])
      expect(smtpOptions({ ...smtp, host, user: 'u', password }, 1).requireTLS).toBe(false);
    expect(smtpOptions({ ...smtp, host: 'localhost.example.com', user: 'u', password }, 1).requireTLS).toBe(true);
    expect(smtpOptions(smtp, 1).requireTLS).toBe(false);
  });

  test('with its certificate verified, always', () =>
    expect(smtpOptions(smtp, 1).tls).toMatchObject({ rejectUnauthorized: true, minVersion: 'TLSv1.2' }));

  test('without a mail going out unauthenticated where a user is configured', () => {
    expect(smtpOptions({ ...smtp, user: 'u', password }, 1)).toMatchObject({ forceAuth: true });
    expect(smtpOptions(smtp, 1)).not.toHaveProperty('auth');
  });
});

describe('a failure', () => {
  const failure = (more: object) => failureMeaning(Object.assign(new Error('canary-4711 dXNlcg=='), more));

  test.for<[object, object]>([
    [
      { responseCode: 421, command: 'CONN' },
      { kind: 'retry', why: 'SMTP 421 to CONN' },
    ],
    [
      { responseCode: 451, response: '451 4.7.1 Greylisted, canary-4711', command: 'RCPT TO', code: 'EENVELOPE' },
      { kind: 'retry', why: 'SMTP 451 4.7.1 to RCPT' },
    ],
    [
      { responseCode: 454, command: 'AUTH PLAIN', code: 'EAUTH' },
      { kind: 'retry', why: 'SMTP 454 to AUTH' },
    ],
    [
      { responseCode: 535, response: '535 5.7.8 canary-4711', command: 'AUTH PLAIN', code: 'EAUTH' },
      { kind: 'refused', why: 'SMTP 535 5.7.8 to AUTH' },
    ],
    [
      { responseCode: 554, response: '554 5.7.1', command: 'canary-4711' },
      { kind: 'refused', why: 'SMTP 554 5.7.1' },
    ],
    [{ code: 'EENVELOPE' }, { kind: 'refused', why: 'not sent: EENVELOPE' }],
    [{ code: 'ENOAUTH' }, { kind: 'refused', why: 'not sent: ENOAUTH' }],
    [
      { code: 'ESOCKET', originalCode: 'ECONNREFUSED' },
      { kind: 'retry', why: 'no answer: ESOCKET ECONNREFUSED' },
    ],
    [{ code: 'EDNS' }, { kind: 'retry', why: 'no answer: EDNS' }],
    [{ code: 'canary-4711' }, { kind: 'retry', why: 'no answer: connection_failed' }],
    [{}, { kind: 'retry', why: 'no answer: connection_failed' }],
  ])('%o means %o', ([more, meaning]) => {
    expect(failure(more)).toEqual(meaning);
    expect(inspect(failure(more))).not.toMatch(/canary|dXNlcg/);
  });
});
