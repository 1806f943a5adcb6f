/**
 * A Slack on loopback: an incoming webhook and the two Web API methods used, with Block Kit checked as Slack does (and
 * more strictly: nothing but a link may stand between `<` and `>`). Keeps the messages as a channel would show them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface SlackCall {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly payload: Record<string, unknown>;
}

export interface ShownMessage {
  payload: Record<string, unknown>;
  edits: number;
}

export interface Scripted {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Takes the request and never answers, or cuts the connection. */
  readonly instead?: 'hang' | 'reset';
}

export interface SlackServer {
  readonly webhookUrl: string;
  readonly apiUrl: URL;
  readonly calls: SlackCall[];
  /** By `<channel>:<ts>`; `webhook:<n>` for the webhook's. */
  readonly messages: Map<string, ShownMessage>;
  /** What Slack would refuse; a test that expects none says so. */
  readonly problems: string[];
  /** Answers next, in this order; taken away once used. */
  readonly script: Scripted[];
  stop(): Promise<void>;
}

export const slackToken = 'xoxb-canary-4711-slackbottoken';
export const webhookSecret = 'CanaryWebhookSecret4711';
export const slackChannel = 'C0123456789';

export async function startSlackServer(): Promise<SlackServer> {
  const calls: SlackCall[] = [];
  const messages = new Map<string, ShownMessage>();
  const problems: string[] = [];
  const script: Scripted[] = [];
  let count = 0;

  function webhook(path: string, payload: Record<string, unknown>, found: readonly string[]): Scripted {
    if (path !== `/services/T0/B0/${webhookSecret}`) return { status: 404, body: 'no_service' };
    if (found.length > 0) return { status: 400, body: 'invalid_payload' };
    messages.set(`webhook:${++count}`, { payload, edits: 0 });
    return { body: 'ok' };
  }

  function api({ path, authorization, payload }: SlackCall, found: readonly string[]): Scripted {
    const failed = (error: string) => ({ body: JSON.stringify({ ok: false, error }) });
    if (authorization !== `Bearer ${slackToken}`) return failed('invalid_auth');
    if (payload.channel !== slackChannel) return failed('channel_not_found');
    if (found.length > 0) return failed('invalid_blocks');
    if (path === '/api/chat.postMessage') {
      if (payload.thread_ts !== undefined && !messages.has(`${slackChannel}:${payload.thread_ts}`))
        return failed('thread_not_found');
      const ts = `1763625600.${String(++count).padStart(6, '0')}`;
      messages.set(`${slackChannel}:${ts}`, { payload, edits: 0 });
      return { body: JSON.stringify({ ok: true, channel: slackChannel, ts }) };
    }
    if (path !== '/api/chat.update') return failed('unknown_method');
    const message = messages.get(`${slackChannel}:${payload.ts}`);
    if (message === undefined) return failed('message_not_found');
    message.payload = payload;
    message.edits += 1;
    return { body: JSON.stringify({ ok: true, channel: slackChannel, ts: payload.ts }) };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const payload = JSON.parse(await bodyOf(request)) as Record<string, unknown>;
    const call = { path: request.url ?? '', authorization: request.headers.authorization, payload };
    calls.push(call);
    const found = problemsOf(payload);
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) found.push('not sent as JSON');
    problems.push(...found);
    const scripted = script.shift();
    if (scripted?.instead === 'hang') return;
    if (scripted?.instead === 'reset') return void request.socket.resetAndDestroy();
    const usual = () => (call.path.startsWith('/api/') ? api(call, found) : webhook(call.path, payload, found));
    const { status = 200, headers = {}, body = '' } = scripted ?? usual();
    response.writeHead(status, headers).end(body);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  return {
    webhookUrl: `${base}/services/T0/B0/${webhookSecret}`,
    apiUrl: new URL(`${base}/api`),
    calls,
    messages,
    problems,
    script,
    async stop() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

type Json = Record<string, unknown>;
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Whatever Slack would refuse, or read as more than text, in a message. */
export function problemsOf(payload: object): string[] {
  const found: string[] = [];
  const { text, blocks } = payload as Json;
  if (typeof text !== 'string' || text === '') found.push('no fallback text');
  else if (text.length > 40_000 || /[<>]/.test(text)) found.push('fallback text too long, or with markup');
  if (!Array.isArray(blocks) || blocks.length === 0 || blocks.length > 50) found.push('not 1 to 50 blocks');
  if (JSON.stringify(blocks ?? []).length > 13_000) found.push('msg_blocks_too_long');
  return [...found, ...listOf(blocks).flatMap((block) => (isJson(block) ? blockProblems(block) : ['no block']))];
}

function blockProblems(block: Json): string[] {
  switch (block.type) {
    case 'header':
      return textProblems(block.text, 150, true);
    case 'section': {
      const fields = listOf(block.fields);
      if (block.text === undefined && fields.length === 0) return ['section with nothing in it'];
      if (fields.length > 10) return ['more than 10 fields'];
      const ofText = block.text === undefined ? [] : textProblems(block.text, 3_000);
      return [...ofText, ...fields.flatMap((field) => textProblems(field, 2_000))];
    }
    case 'rich_text': {
      const lines = listOf(block.elements).flatMap((part) => (isJson(part) ? listOf(part.elements) : []));
      const fine = lines.length > 0 && lines.every((line) => isJson(line) && line.type === 'text' && line.text !== '');
      return fine ? [] : ['rich text with something else than text'];
    }
    default:
      return [`block of type ${String(block.type)}`];
  }
}

function textProblems(object: unknown, lengthMax: number, onlyPlain = false): string[] {
  if (!isJson(object) || typeof object.text !== 'string') return ['no text object'];
  const { type, text } = object;
  if (text === '' || text.length > lengthMax) return [`text of ${text.length} characters, ${lengthMax} at most`];
  if (!text.isWellFormed() || /&(?!(?:amp|lt|gt);)/.test(text)) return ['text with half a character, or a bare &'];
  if (type === 'plain_text') return /[<>]/.test(text) ? ['markup in plain text'] : [];
  if (type !== 'mrkdwn' || onlyPlain) return [`text of type ${String(type)}`];
  return /[<>]/.test(text.replaceAll(/<https?:\/\/[^<>|\s]+\|[^<>|]+>/g, '')) ? ['mrkdwn with more than links'] : [];
}
