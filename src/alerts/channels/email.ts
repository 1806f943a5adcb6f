/**
 * E-mail as a channel, by SMTP. One mail to all recipients, one connection per mail, TLS with the certificate verified
 * wherever the server offers it, and required before a password leaves. Of a server's answer only its numbers are told.
 *
 * A mail some recipients are refused for and others get counts as accepted: a second try would page the others again.
 */
import { createTransport, type NodemailerError, type SMTPTransportOptions } from 'nodemailer';
import { type Clock, within } from '../../runtime/clock.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { Channel, Delivery } from '../channel.ts';
import { emailText, emailThread } from './email-text.ts';

export interface Smtp {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (port 465); else STARTTLS. */
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: Secret;
  /** Certificate authorities to trust instead of the system's, in PEM. */
  readonly ca?: string;
}

export interface EmailOptions {
  readonly name: string;
  /** `alerts@example.com` or `Pilotlight <alerts@example.com>`. */
  readonly from: string;
  /** Addresses; one at least. */
  readonly to: readonly string[];
  readonly smtp: Smtp;
  readonly clock: Clock;
  /** For one whole try, in ms; 30 s where absent, as servers that look at a mail take their time. */
  readonly timeoutMs?: number;
}

const timeoutMsUsual = 30_000;

export function createEmail(options: EmailOptions): Channel {
  const { name, clock, timeoutMs = timeoutMsUsual } = options;
  return {
    name,
    kind: 'email',
    async deliver(notice, reference, signal) {
      const { messageId, inReplyTo, references } = emailThread(notice, reference, options.from);
      let late: AbortSignal | undefined;
      try {
        await within(clock, timeoutMs, (overdue) => {
          late = overdue;
          return createTransport(smtpOptions(options.smtp, timeoutMs)).sendMail({
            ...emailText(notice),
            from: options.from,
            to: [...options.to],
            date: new Date(clock.now()),
            messageId,
            inReplyTo,
            references: [...references],
            ...(notice.severity === 'page' && notice.event !== 'resolved' ? { priority: 'high' } : {}),
            // RFC 3834: no holiday reply is to come back.
            headers: { 'Auto-Submitted': 'auto-generated' },
            xMailer: false,
            disableFileAccess: true,
            disableUrlAccess: true,
            signal: AbortSignal.any([overdue, signal]),
          });
        });
        return { kind: 'accepted', reference: messageId };
      } catch (error) {
        if (signal.aborted) return { kind: 'retry', why: 'no answer: stopped' };
        if (late?.aborted) return { kind: 'retry', why: 'no answer: timeout' };
        return failureMeaning(error);
      }
    },
  };
}

/** How the server is spoken to. A password is never sent in clear, but to this machine itself. */
export function smtpOptions({ host, port, secure, user, password, ca }: Smtp, timeoutMs: number): SMTPTransportOptions {
  const loopback = /^(?:localhost|127\.0\.0\.1|::1)$/.test(host);
  return {
    host,
    port,
    secure,
    requireTLS: !secure && user !== undefined && !loopback,
    // Said explicitly, so that no environment variable turns it off.
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    // A server that stops offering to authenticate is told on, not written to without.
    ...(user === undefined ? {} : { auth: { user, pass: password?.reveal() ?? '' }, forceAuth: true }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    // The mail is taken by then; a server that does not close its side is not waited for.
    socketCloseTimeout: 1_000,
    logger: false,
  };
}

const verbs = ['CONN', 'EHLO', 'HELO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA'] as const;
/** Without an answer of the server, and yet ours to mend. */
const wrongWithUs = new Set(['EAUTH', 'ENOAUTH', 'EENVELOPE', 'ECONFIG', 'EMAXRECIPIENTS', 'EMESSAGE']);

/** RFC 5321, 4.2.1: 4xx may pass, 5xx will not. Neither message nor answer is shown: they quote what was sent. */
export function failureMeaning(error: unknown): Delivery {
  const { code, originalCode, responseCode, response, command } = error as NodemailerError;
  if (responseCode !== undefined) {
    // RFC 3463: says more than the reply code, in numbers alone.
    const enhanced = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1];
    const verb = verbs.find((known) => command?.startsWith(known));
    const said = [`SMTP ${responseCode}`, enhanced, verb === undefined ? undefined : `to ${verb}`];
    const why = said.filter((part) => part !== undefined).join(' ');
    return { kind: responseCode >= 500 ? 'refused' : 'retry', why };
  }
  const codes = [code, originalCode].filter((text) => /^[A-Z0-9_]{1,48}$/.test(text ?? ''));
  const why = `no answer: ${codes.join(' ') || 'connection_failed'}`;
  return wrongWithUs.has(code ?? '')
    ? { kind: 'refused', why: `not sent: ${codes.join(' ')}` }
    : { kind: 'retry', why };
}
