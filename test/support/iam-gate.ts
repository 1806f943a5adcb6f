/**
 * IAM in front of the Secrets Manager double: every request over HTTP is held against policies first, as AWS would, and is
 * refused with AccessDenied or handed on. Remembers what was asked, so that a test sees which rights are used.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { allows, type IamRequest, type Policy, secretRequest } from './iam.ts';

export interface IamGate {
  readonly url: string;
  /** Actions that were allowed, each once. */
  allowed(): readonly string[];
  /** Requests that were refused: action and resource. */
  refused(): readonly string[];
  stop(): Promise<void>;
}

interface Input {
  readonly SecretId?: string;
  readonly Name?: string;
  readonly SecretIdList?: readonly string[];
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  readonly TagKeys?: readonly string[];
}

/** What AWS asks IAM for one call: the call itself, and what it implies (a batch reads each secret, a new one is tagged). */
export function requestsFor(operation: string, input: Input, tagsOf: (name: string) => Record<string, string>) {
  const name = input.SecretId ?? input.Name ?? '';
  const requestTags = Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
  const about = { tags: tagsOf(name), requestTags, ...(input.TagKeys === undefined ? {} : { tagKeys: input.TagKeys }) };
  const everywhere: IamRequest = { action: `secretsmanager:${operation}`, resource: '*', context: {} };
  switch (operation) {
    case 'ListSecrets':
      return [everywhere];
    case 'BatchGetSecretValue': {
      const each = (input.SecretIdList ?? []).map((one) => secretRequest('GetSecretValue', one, { tags: tagsOf(one) }));
      return [everywhere, ...each];
    }
    case 'CreateSecret': {
      const tagging = Object.keys(requestTags).length > 0 ? [secretRequest('TagResource', name, about)] : [];
      return [secretRequest(operation, name, about), ...tagging];
    }
    default:
      return [secretRequest(operation, name, about)];
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export async function startIamGate(
  double: SecretsManagerDouble,
  upstream: string,
  policies: readonly Policy[],
): Promise<IamGate> {
  const allowed = new Set<string>();
  const refused: string[] = [];
  const tagsOf = (name: string) => (double.secrets.has(name) ? { ...double.secrets.tags(name) } : {});

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const target = String(request.headers['x-amz-target']);
    const operation = target.slice(target.lastIndexOf('.') + 1);
    const asked = requestsFor(operation, JSON.parse(body.toString('utf8')) as Input, tagsOf);
    const bad = asked.find((one) => !allows(policies, one));
    if (bad !== undefined) {
      refused.push(`${bad.action} ${bad.resource}`);
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      const message = `User is not authorized to perform: ${bad.action} on resource: ${bad.resource}`;
      response.end(JSON.stringify({ __type: 'AccessDeniedException', Message: message }));
      return;
    }
    for (const { action } of asked) allowed.add(action);
    const headers = { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' };
    const authorization = request.headers.authorization ?? '';
    const answer = await fetch(upstream, { method: 'POST', headers: { ...headers, authorization }, body });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    allowed: () => [...allowed].toSorted(),
    refused: () => refused,
    async stop() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}
