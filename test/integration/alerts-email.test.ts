/** The e-mail channel against a mail server on loopback: what arrives, with and without TLS, and what its refusals mean. */
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { createEmail, type Smtp } from '../../src/alerts/channels/email.ts';
import { emailText, emailThread } from '../../src/alerts/channels/email-text.ts';
import type { Notice } from '../../src/alerts/notice.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { turnableClock } from '../support/provider-bench.ts';
import { hostileTexts, sampleNotice } from '../support/sample-notice.ts';
import { selfSigned } from '../support/self-signed.ts';
import { readMail, type SmtpServer, type SmtpStep, startSmtpServer } from '../support/smtp-server.ts';

let server: SmtpServer;
afterEach(() => server.stop());

const from = 'Pilotlight <alerts@example.com>';
const to = ['ops@example.com', 'night@example.com'];
const login = { user: 'pilotlight', password: 'canary-4711-password' };
const credentials = { user: login.user, password: new Secret(login.password) };

function email(smtp: Partial<Smtp> = {}, timeoutMs = 5_000) {
  const all = { host: '127.0.0.1', port: server.port, secure: false, ...smtp };
  return createEmail({ name: 'mail', from, to, smtp: all, clock: turnableClock(), timeoutMs });
}
const deliver = (notice: Notice, smtp: Partial<Smtp> = {}, reference?: string) =>
  email(smtp).deliver(notice, reference, new AbortController().signal);

describe('a mail', () => {
  test('arrives at everybody with both parts and all headers', async () => {
    server = await startSmtpServer();
    const notice = sampleNotice();
    const { messageId, inReplyTo, references } = emailThread(notice, undefined, from);
    expect(await deliver(notice)).toEqual({ kind: 'accepted', reference: messageId });
    expect(server.mails).toMatchObject([{ from: 'alerts@example.com', to, encrypted: false, login: undefined }]);
    const { headers, parts } = readMail(server.mails[0]?.source ?? '');
    const { subject, text, html } = emailText(notice);
    expect(Object.fromEntries(headers)).toMatchObject({
      from,
      to: to.join(', '),
      subject,
      'message-id': messageId,
      'in-reply-to': inReplyTo,
      references: references.join(' '),
      date: 'Fri, 20 Nov 2026 08:00:00 +0000',
      'auto-submitted': 'auto-generated',
      importance: 'High',
    });
    expect(parts.get('text/plain')?.trim()).toBe(text.trim());
    expect(parts.get('text/html')?.trim()).toBe(html.trim());
    expect(headers.has('x-mailer')).toBe(false);
  });

  test('of an end answers the mail before it, without alarm', async () => {
    server = await startSmtpServer();
    const first = await deliver(sampleNotice());
    const reference = first.kind === 'accepted' ? first.reference : undefined;
    await deliver(sampleNotice({ id: 'notice-2', event: 'resolved' }), {}, reference);
    const [opening, end] = server.mails.map(({ source }) => readMail(source).headers);
    expect(end?.get('in-reply-to')).toBe(opening?.get('message-id'));
    expect(end?.get('references')).toBe(`${opening?.get('references')} ${opening?.get('message-id')}`);
    expect(end?.has('importance')).toBe(false);
  });

  test('is the same mail when tried again', async () => {
    server = await startSmtpServer();
    server.instead('END', '451 4.3.0 Try again');
    expect(await deliver(sampleNotice())).toEqual({ kind: 'retry', why: 'SMTP 451 4.3.0 to DATA' });
    expect(await deliver(sampleNotice())).toMatchObject({ kind: 'accepted' });
    expect(server.fired).toHaveLength(1);
    expect(server.mails).toHaveLength(1);
  });

  test.for(hostileTexts)('carries %j and no header or recipient of its making', async (text) => {
    server = await startSmtpServer();
    const notice = sampleNotice({ id: text, key: text, message: { title: text, owner: text, environment: text } });
    expect(await deliver(notice, {}, text)).toMatchObject({ kind: 'accepted' });
    const { headers, parts } = readMail(server.mails[0]?.source ?? '');
    expect(server.mails).toMatchObject([{ to }]);
    expect(headers.has('bcc')).toBe(false);
    expect(headers.get('subject')).toBe(emailText(notice).subject);
    expect(parts.get('text/plain')?.trim()).toBe(emailText(notice).text.trim());
    expect([...parts.keys()]).toEqual(['text/plain', 'text/html']);
  });

  test('counts as arrived where one of its recipients is refused', async () => {
    server = await startSmtpServer();
    server.instead('RCPT', '550 5.1.1 Unknown');
    expect(await deliver(sampleNotice())).toMatchObject({ kind: 'accepted' });
    expect(server.mails).toMatchObject([{ to: ['night@example.com'] }]);
    expect(server.fired).toHaveLength(1);
  });
});

describe('TLS and credentials', () => {
  const certificate = selfSigned(['localhost']);

  test('are used where the server offers them', async () => {
    server = await startSmtpServer({ tls: certificate, login });
    const delivery = await deliver(sampleNotice(), { host: 'localhost', ca: certificate.cert, ...credentials });
    expect(delivery).toMatchObject({ kind: 'accepted' });
    expect(server.mails).toMatchObject([{ encrypted: true, login: `${login.user}:${login.password}` }]);
  });

  test('send nothing to a server with a certificate nobody vouches for', async () => {
    server = await startSmtpServer({ tls: certificate, login });
    expect(await deliver(sampleNotice(), { host: 'localhost', ...credentials })).toMatchObject({
      kind: 'retry',
      why: expect.stringMatching(/DEPTH_ZERO_SELF_SIGNED_CERT|ETLS/),
    });
    expect(server.mails).toEqual([]);
    expect(server.commands.join()).not.toMatch(/AUTH|MAIL/);
  });

  test('are refused where wrong', async () => {
    server = await startSmtpServer({ login });
    const wrong = { user: login.user, password: new Secret('canary-4711-wrong') };
    expect(await deliver(sampleNotice(), wrong)).toEqual({ kind: 'refused', why: 'SMTP 535 5.7.8 to AUTH' });
  });

  test('are told on where the server no longer takes any', async () => {
    server = await startSmtpServer();
    server.instead('AUTH', '503 5.5.1 AUTH not available');
    expect(await deliver(sampleNotice(), credentials)).toEqual({ kind: 'refused', why: 'SMTP 503 5.5.1 to AUTH' });
    expect(server.mails).toEqual([]);
  });

  test('are missed by a server that wants them', async () => {
    server = await startSmtpServer({ login });
    expect(await deliver(sampleNotice())).toEqual({ kind: 'refused', why: 'SMTP 530 5.7.0 to MAIL' });
  });
});

describe('a server that answers otherwise', () => {
  const steps: readonly (readonly [SmtpStep, string])[] = [
    ['CONN', 'CONN'],
    ['MAIL', 'MAIL'],
    ['DATA', 'DATA'],
    ['END', 'DATA'],
  ];
  test.for(steps)('with 4xx at %s is tried again, with 5xx is not', async ([step, verb]) => {
    server = await startSmtpServer();
    server.instead(step, '421 4.3.2 Closing');
    expect(await deliver(sampleNotice())).toEqual({ kind: 'retry', why: `SMTP 421 4.3.2 to ${verb}` });
    server.instead(step, '554 5.7.1 No');
    expect(await deliver(sampleNotice())).toEqual({ kind: 'refused', why: `SMTP 554 5.7.1 to ${verb}` });
    expect(server.fired).toHaveLength(2);
    expect(server.mails).toEqual([]);
  });

  test('for every recipient is tried again where one of them was only put off', async () => {
    server = await startSmtpServer();
    server.instead('RCPT', '451 4.7.1 Greylisted');
    server.instead('RCPT', '550 5.1.1 Unknown');
    expect(await deliver(sampleNotice())).toEqual({ kind: 'retry', why: 'SMTP 451 4.7.1 to RCPT' });
    server.instead('RCPT', '550 5.1.1 Unknown');
    server.instead('RCPT', '550 5.1.1 Unknown');
    expect(await deliver(sampleNotice())).toEqual({ kind: 'refused', why: 'SMTP 550 5.1.1 to RCPT' });
    expect(server.fired).toHaveLength(4);
  });

  test.for<SmtpStep>(['CONN', 'EHLO', 'MAIL', 'DATA', 'END'])('by silence at %s is given up', async (step) => {
    server = await startSmtpServer();
    server.instead(step, 'hang');
    const delivery = await email({}, 120).deliver(sampleNotice(), undefined, new AbortController().signal);
    expect(delivery).toMatchObject({ kind: 'retry' });
    expect(server.fired).toEqual([`${step} hang`]);
    expect(server.mails).toEqual([]);
  });

  test.for<SmtpStep>(['CONN', 'EHLO', 'MAIL', 'END'])('by cutting the line at %s is tried again', async (step) => {
    server = await startSmtpServer();
    server.instead(step, 'reset');
    expect(await deliver(sampleNotice())).toMatchObject({ kind: 'retry' });
    expect(server.fired).toEqual([`${step} reset`]);
  });

  test('not at all is tried again', async () => {
    server = await startSmtpServer();
    await server.stop();
    const delivery = await deliver(sampleNotice());
    expect(delivery).toMatchObject({ kind: 'retry', why: expect.stringContaining('ECONNREFUSED') });
    server = await startSmtpServer();
  });

  test('is given up when the process stops', async () => {
    server = await startSmtpServer();
    const stopping = new AbortController();
    stopping.abort(new Error('stopping'));
    const delivery = await email().deliver(sampleNotice(), undefined, stopping.signal);
    expect(delivery).toEqual({ kind: 'retry', why: 'no answer: stopped' });
    expect(server.mails).toEqual([]);
  });

  test.for(['535 5.7.8', '454 4.7.0', '235', '334'])('echoing the password after %s tells nobody', async (code) => {
    server = await startSmtpServer({ login });
    const plain = Buffer.from(`\0${login.user}\0${login.password}`).toString('base64');
    server.instead('AUTH', `${code} ${login.password} ${plain}`);
    server.instead('MAIL', `550 5.7.1 ${login.password} ${plain}`);
    const channel = email(credentials);
    const told = inspect([channel, await channel.deliver(sampleNotice(), undefined, new AbortController().signal)], {
      depth: null,
      showHidden: true,
    });
    expect(server.fired[0]).toContain(login.password);
    expect(told).not.toContain('canary');
    expect(told).not.toContain(plain.slice(4, 20));
  });
});
