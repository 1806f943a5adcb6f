/**
 * Receivers of alerts on loopback, as strict as the real ones or stricter: PagerDuty's Events API v2, a receiver of
 * Standard Webhooks that verifies with the specification's own library, the real Alertmanager, and a plain recorder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Webhook } from 'standardwebhooks';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What the next request meets instead of an answer: nothing for ever, a closed door, or a body that never ends. */
export type Fault = 'silence' | 'reset' | 'endless';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What became of it. */
  readonly met: number | Fault;
}

export interface Receiver {
  /** Where requests go. */
  readonly url: URL;
  readonly received: readonly Received[];
  /** The next request, of those that `which` chooses, meets this instead of what the receiver would answer. */
  next(instead: Answer | Fault, which?: (incoming: Incoming) => boolean): void;
  /** Every request without an own such fate meets this from now on; undefined: what the receiver would answer. */
  every(instead: Answer | undefined): void;
  /** The first request, past or to come, of which `test` holds. */
  until(test: (one: Received) => boolean): Promise<Received>;
  stop(): Promise<void>;
}

export type Incoming = Omit<Received, 'met'>;

/** Records all it is sent and answers as told. */
export async function startReceiver(path: string, answer: (incoming: Incoming) => Answer): Promise<Receiver> {
  const received: Received[] = [];
  const instead: { readonly met: Answer | Fault; readonly which: (incoming: Incoming) => boolean }[] = [];
  const waiting = new Set<() => void>();
  let usual: Answer | undefined;
  const server = createServer(async (request, response) => {
    response.on('error', () => {});
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const incoming = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    const place = instead.findIndex(({ which }) => which(incoming));
    const met = instead.splice(place, place < 0 ? 0 : 1)[0]?.met ?? usual ?? answer(incoming);
    received.push({ ...incoming, met: typeof met === 'string' ? met : met.status });
    for (const look of waiting) look();
    if (met === 'reset') return request.socket.destroy();
    if (met === 'endless') {
      response.writeHead(500);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      return more();
    }
    if (met !== 'silence') response.writeHead(met.status, met.headers).end(met.body ?? '');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: new URL(path, `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    received,
    next: (met, which = () => true) => void instead.push({ met, which }),
    every(met) {
      usual = met;
    },
    until: (test) =>
      new Promise((found) => {
        const look = () => {
          const one = received.find(test);
          if (one === undefined) return;
          waiting.delete(look);
          found(one);
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

export interface PagerDutyServer extends Receiver {
  /** What its keys stand for: how often each was triggered since it opened, and whether it is open. */
  readonly incidents: ReadonlyMap<string, { readonly open: boolean; readonly triggers: number }>;
}

/** PagerDuty's Events API v2: answers 202, or 400 with what is wrong. */
export async function startPagerDuty(routingKey: string): Promise<PagerDutyServer> {
  const incidents = new Map<string, { open: boolean; triggers: number }>();
  const receiver = await startReceiver('/v2/enqueue', (incoming) => {
    const errors = pagerDutyErrors(incoming, routingKey);
    const json = { 'content-type': 'application/json' };
    if (errors.length > 0) {
      const body = JSON.stringify({ status: 'invalid event', message: 'Event object is invalid', errors });
      return { status: 400, headers: json, body };
    }
    const { event_action, dedup_key } = JSON.parse(incoming.body);
    const known = incidents.get(dedup_key);
    if (event_action === 'trigger')
      incidents.set(dedup_key, { open: true, triggers: known?.open ? known.triggers + 1 : 1 });
    // The end of a key it does not know is dropped, and answered all the same.
    else if (known !== undefined) incidents.set(dedup_key, { ...known, open: false });
    return {
      status: 202,
      headers: json,
      body: JSON.stringify({ status: 'success', message: 'Event processed', dedup_key }),
    };
  });
  return { ...receiver, incidents };
}

const eventMembers = ['routing_key', 'event_action', 'dedup_key', 'payload', 'links', 'images', 'client', 'client_url'];
const payloadMembers = 'summary source severity timestamp component group class custom_details'.split(' ');

/** What PagerDuty would say against an event, and against members it has never heard of. */
export function pagerDutyErrors({ method, path, headers, body }: Incoming, routingKey: string): string[] {
  const errors: string[] = [];
  const check = (fine: boolean, error: string) => void (fine || errors.push(error));
  const text = (value: unknown, max: number) => typeof value === 'string' && value !== '' && value.length <= max;
  const link = (value: unknown) => typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value);
  check(method === 'POST' && path === '/v2/enqueue', 'not found');
  check(headers['content-type'] === 'application/json', 'content type');
  check(Buffer.byteLength(body) <= 512_000, 'body is larger than 512 KB');
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(body);
  } catch {
    return ['not JSON'];
  }
  check(body.isWellFormed() && !/\\ud[89a-f]/i.test(body), 'half a character');
  check(event.routing_key === routingKey, `Length of 'routing_key' is incorrect: ${event.routing_key}`);
  check(['trigger', 'acknowledge', 'resolve'].includes(String(event.event_action)), "'event_action' is invalid");
  check(text(event.dedup_key, 255), "'dedup_key' is invalid");
  check(unknownIn(event, eventMembers).length === 0, `unknown: ${unknownIn(event, eventMembers)}`);
  if (event.event_action !== 'trigger') return errors;
  const payload = Object(event.payload) as Record<string, unknown>;
  check(text(payload.summary, 1_024), "'payload.summary' is missing or too long");
  check(text(payload.source, 1_024), "'payload.source' is missing or blank");
  check(['critical', 'error', 'warning', 'info'].includes(String(payload.severity)), "'payload.severity' is invalid");
  check(isRfc3339(payload.timestamp), "'payload.timestamp' is invalid");
  for (const name of ['component', 'group', 'class'])
    check(payload[name] === undefined || text(payload[name], 1_024), `'payload.${name}' is invalid`);
  check(Object(payload.custom_details) === payload.custom_details, "'payload.custom_details' is no object");
  check(unknownIn(payload, payloadMembers).length === 0, `unknown: ${unknownIn(payload, payloadMembers)}`);
  check(text(event.client, 255), "'client' is invalid");
  check(event.client_url === undefined || link(event.client_url), "'client_url' is invalid");
  for (const one of event.links as Record<string, unknown>[])
    check(link(one.href) && text(one.text, 255) && unknownIn(one, ['href', 'text']).length === 0, "'links' is invalid");
  return errors;
}

function unknownIn(value: object, known: readonly string[]): string[] {
  return Object.keys(value).filter((name) => !known.includes(name));
}

export function isRfc3339(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value);
}

/** Verifies with each of its secrets, as receivers do that change over; answers 204, or 401 where none fits. */
export function startWebhookReceiver(...secrets: readonly string[]): Promise<Receiver> {
  return startReceiver('/hooks/T000/path-is-a-secret?token=query-is-a-secret', ({ body, headers }) => {
    const verified = secrets.some((secret) => verifies(secret, body, headers));
    if (!verified) return { status: 401, body: 'no matching signature' };
    return Buffer.byteLength(body) < 20_000 ? { status: 204 } : { status: 413 };
  });
}

/** Whether the library of the specification takes the request: signature, and a time within five minutes of now. */
export function verifies(secret: string, body: string, headers: IncomingHttpHeaders): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

export interface Alertmanager {
  readonly url: URL;
  /** What it holds to be firing. */
  firing(): Promise<readonly { labels: Record<string, string>; annotations: Record<string, string>; endsAt: string }[]>;
  stop(): Promise<void>;
}

const binary = '/usr/bin/prometheus-alertmanager';

/** The real one on a free port, which tells `hook` of each alert by itself and without waiting. */
export async function startAlertmanager(hook: URL, prefix = ''): Promise<Alertmanager> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-alertmanager-'));
  const configFile = join(folder, 'alertmanager.yml');
  const route = {
    receiver: 'hook',
    group_by: ['...'],
    group_wait: '1ms',
    group_interval: '50ms',
    repeat_interval: '1h',
  };
  const receivers = [{ name: 'hook', webhook_configs: [{ url: hook.href, send_resolved: true }] }];
  // JSON is YAML.
  await writeFile(configFile, JSON.stringify({ route, receivers }));
  const child = spawn(
    binary,
    [
      `--config.file=${configFile}`,
      `--storage.path=${folder}`,
      '--web.listen-address=127.0.0.1:0',
      '--cluster.listen-address=',
      `--web.route-prefix=${prefix === '' ? '/' : prefix}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'close').catch(() => {});
  const port = await listeningPort(child).catch(async (error) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const url = new URL(`http://127.0.0.1:${port}${prefix}`);
  return {
    url,
    async firing() {
      const answer = await fetch(`${url.href.replace(/\/$/, '')}/api/v2/alerts`, { headers: { connection: 'close' } });
      return (await answer.json()) as Awaited<ReturnType<Alertmanager['firing']>>;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** It says which port it was given in its log. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((found, failed) => {
    child.on('error', () => failed(new Error(`${binary} does not start: apt-get install prometheus-alertmanager`)));
    child.on('exit', (code) => failed(new Error(`${binary} ended with ${code} before it listened`)));
    if (child.stderr === null) return;
    // Read to the end, or a full pipe would stop it.
    createInterface({ input: child.stderr }).on('line', (line) => {
      const port = /msg="Listening on" address=127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) found(Number(port));
    });
  });
}
