/**
 * A small mail server on loopback: enough ESMTP (RFC 5321, STARTTLS, AUTH PLAIN) to take a mail, and to refuse or hang at
 * any step a test names. Keeps what it took, and reads it as a mail program would.
 */
import { createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

/** `CONN` is the greeting, `END` the end of the mail itself. */
export type SmtpStep = 'CONN' | 'EHLO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'END';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, dots unstuffed. */
  readonly source: string;
  readonly encrypted: boolean;
  /** `user:password`, where it authenticated. */
  readonly login: string | undefined;
}

export interface SmtpServer {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** Commands in the order they came, as they came. */
  readonly commands: string[];
  /** Replies given instead of the usual ones. `hang`: none at all; `reset`: the connection is cut. */
  readonly fired: string[];
  /** From now on, once for each call. */
  instead(step: SmtpStep, reply: string): void;
  stop(): Promise<void>;
}

export interface SmtpServerOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Offers AUTH and takes these only. */
  readonly login?: { readonly user: string; readonly password: string };
}

interface Session {
  readonly socket: Socket;
  readonly encrypted: boolean;
  buffer: string;
  from: string;
  to: string[];
  login: string | undefined;
  inData: boolean;
}

export async function startSmtpServer({ tls, login }: SmtpServerOptions = {}): Promise<SmtpServer> {
  const mails: ReceivedMail[] = [];
  const commands: string[] = [];
  const fired: string[] = [];
  const scripted: { step: SmtpStep; reply: string }[] = [];
  const sockets = new Set<Socket>();

  function reply({ socket }: Session, step: SmtpStep, usual: string): boolean {
    const at = scripted.findIndex((entry) => entry.step === step);
    const [entry] = at === -1 ? [] : scripted.splice(at, 1);
    if (entry !== undefined) fired.push(`${step} ${entry.reply}`);
    if (entry?.reply === 'hang') return false;
    if (entry?.reply === 'reset') {
      socket.resetAndDestroy();
      return false;
    }
    socket.write(`${entry?.reply ?? usual}\r\n`);
    return entry === undefined;
  }

  function command(session: Session, line: string): void {
    commands.push(line);
    const verb = line.split(' ')[0]?.toUpperCase() ?? '';
    switch (verb) {
      case 'EHLO':
        reply(session, 'EHLO', ehlo(session));
        return;
      case 'STARTTLS':
        if (tls === undefined) session.socket.write('502 5.5.1 Not implemented\r\n');
        else if (reply(session, 'STARTTLS', '220 2.0.0 Ready')) upgrade(session, tls);
        return;
      case 'AUTH': {
        const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString('utf8')
          .split('\0');
        const right = login !== undefined && user === login.user && password === login.password;
        if (reply(session, 'AUTH', right ? '235 2.7.0 Accepted' : '535 5.7.8 Wrong credentials') && right)
          session.login = `${user}:${password}`;
        return;
      }
      case 'MAIL':
        if (login !== undefined && session.login === undefined)
          return void session.socket.write('530 5.7.0 Authentication required\r\n');
        session.from = addressIn(line);
        reply(session, 'MAIL', '250 2.1.0 Sender ok');
        return;
      case 'RCPT':
        if (reply(session, 'RCPT', '250 2.1.5 Recipient ok')) session.to.push(addressIn(line));
        return;
      case 'DATA':
        session.inData = reply(session, 'DATA', '354 Go ahead');
        return;
      case 'QUIT':
        session.socket.end('221 2.0.0 Bye\r\n');
        return;
      default:
        session.socket.write('250 2.0.0 Ok\r\n');
    }
  }

  function ehlo({ encrypted }: Session): string {
    const offers = ['mail.test', '8BITMIME'];
    if (tls !== undefined && !encrypted) offers.push('STARTTLS');
    if (login !== undefined) offers.push('AUTH PLAIN');
    return offers.map((offer, at) => `250${at === offers.length - 1 ? ' ' : '-'}${offer}`).join('\r\n');
  }

  function upgrade({ socket }: Session, { key, cert }: { readonly key: string; readonly cert: string }): void {
    socket.removeAllListeners('data');
    const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) });
    serve(secure, true);
  }

  function take(session: Session): void {
    const end = session.buffer.indexOf('\r\n.\r\n');
    if (end === -1) return;
    const source = `${session.buffer.slice(0, end)}\r\n`.replaceAll(/^\./gm, '');
    session.buffer = session.buffer.slice(end + 5);
    session.inData = false;
    const { from, to, encrypted, login: by } = session;
    if (reply(session, 'END', '250 2.0.0 Queued')) mails.push({ from, to: [...to], source, encrypted, login: by });
  }

  function serve(socket: Socket, encrypted: boolean): Session {
    const session: Session = { socket, encrypted, buffer: '', from: '', to: [], login: undefined, inData: false };
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      session.buffer += bytes.toString('latin1');
      while (true) {
        if (session.inData) return take(session);
        const end = session.buffer.indexOf('\r\n');
        if (end === -1) return;
        const line = session.buffer.slice(0, end);
        session.buffer = session.buffer.slice(end + 2);
        command(session, line);
      }
    });
    return session;
  }

  const server = createServer((socket) => {
    reply(serve(socket, false), 'CONN', '220 mail.test ESMTP');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as { port: number }).port,
    mails,
    commands,
    fired,
    instead: (step, text) => void scripted.push({ step, reply: text }),
    async stop() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function addressIn(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? '';
}

export interface ReadMail {
  /** By lower-case name, unfolded, encoded words read. */
  readonly headers: ReadonlyMap<string, string>;
  /** Bodies by content type. */
  readonly parts: ReadonlyMap<string, string>;
}

/** A mail as a mail program reads it: headers (RFC 2047), and each part decoded (RFC 2045). */
export function readMail(source: string): ReadMail {
  const { headers, body } = split(source);
  const boundary = /boundary="?([^";]+)"?/.exec(headers.get('content-type') ?? '')?.[1];
  const texts = boundary === undefined ? [source] : body.split(`--${boundary}`).slice(1, -1);
  const parts = texts.map((text) => {
    const part = split(text.replace(/^\r\n/, ''));
    const type = part.headers.get('content-type')?.split(';')[0] ?? 'text/plain';
    return [type, decoded(part.body, part.headers.get('content-transfer-encoding') ?? '7bit')] as const;
  });
  return { headers, parts: new Map(parts) };
}

function split(text: string): { headers: Map<string, string>; body: string } {
  const at = text.indexOf('\r\n\r\n');
  const lines = text
    .slice(0, at)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), wordsOf(line.slice(colon + 1).trim())] as const;
  });
  return { headers: new Map(headers), body: text.slice(at + 4) };
}

function wordsOf(text: string): string {
  const joined = text.replaceAll(/\?=\s+=\?/g, '?==?');
  return joined.replaceAll(/=\?utf-8\?([QB])\?([^?]*)\?=/gi, (_, how: string, word: string) =>
    how.toUpperCase() === 'B'
      ? Buffer.from(word, 'base64').toString('utf8')
      : decoded(word.replaceAll('_', ' '), 'quoted-printable'),
  );
}

function decoded(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return body.replaceAll('\r\n', '\n');
  const bytes = body
    .replaceAll(/=[ \t]*\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n');
}
