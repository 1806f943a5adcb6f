/**
 * What a person would write in an afternoon, and what the service is measured against: one process that makes the calls
 * of a rotation in a loop, at the same concurrency, with no lease, limit, spool or Redis. It loses tokens when it crashes.
 */
import { request } from 'node:http';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { createAwsClient } from '../../src/secrets/aws-client.ts';
import { cpuMs, inputOf, serve } from './child.ts';
import { benchClient, connectionId } from './connections.ts';
import { credentials, region } from './stage.ts';
import type { WorldHello } from './world.ts';

export interface BareInput extends WorldHello {
  /** `stock`: the SDK's client as it comes. `ours`: the one the service uses, set up for many small calls. */
  readonly client: 'stock' | 'ours';
}

export interface BareRun {
  readonly kind: string;
  readonly from: number;
  readonly count: number;
  readonly concurrency: number;
}

export interface BareMeasured {
  readonly endedAtMs: readonly number[];
  readonly cpuMs: number;
  readonly busy: number;
}

const input = inputOf<BareInput>();
const clock = systemClock();
const random = systemRandom();
const limits = { connectMs: 3_000, requestMs: 10_000 };
const aws =
  input.client === 'ours'
    ? createAwsClient({ clock, region, endpoint: input.storeUrl, credentials, limits })
    : new SecretsManagerClient({ region, endpoint: input.storeUrl, credentials });
const authorization = `Basic ${Buffer.from(`${benchClient.clientId}:${benchClient.clientSecret}`).toString('base64')}`;
const tokenUrl = new URL('/oauth/token', input.providerUrl);

/** A refresh on a connection of its own. */
function refresh(refreshToken: string): Promise<{ refresh_token: string; access_token: string; expires_in: number }> {
  return new Promise((resolve, reject) => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }).toString();
    const headers = {
      host: 'account.docusign.com',
      authorization,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    };
    const outgoing = request(tokenUrl, { method: 'POST', agent: false, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`the token endpoint answered ${answer.statusCode}`));
      });
      answer.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function rotate(name: string): Promise<void> {
  const SecretId = name;
  await aws.send(new DescribeSecretCommand({ SecretId }));
  const found = await aws.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }));
  const document = JSON.parse(found.SecretString ?? '') as { refresh_token: string } & Record<string, unknown>;
  await aws.send(new DescribeSecretCommand({ SecretId }));
  const answer = await refresh(document.refresh_token);
  const now = clock.now();
  const SecretString = JSON.stringify({
    ...document,
    refresh_token: answer.refresh_token,
    access_token: answer.access_token,
    expires_at: new Date(now + answer.expires_in * 1_000).toISOString(),
    refreshed_at: new Date(now).toISOString(),
  });
  const id = random.uuid();
  const VersionStages = ['PILOTLIGHT_PENDING'];
  await aws.send(new PutSecretValueCommand({ SecretId, ClientRequestToken: id, SecretString, VersionStages }));
  const move = { VersionStage: 'AWSCURRENT', MoveToVersionId: id, RemoveFromVersionId: found.VersionId };
  await aws.send(new UpdateSecretVersionStageCommand({ SecretId, ...move }));
  const written = await aws.send(new GetSecretValueCommand({ SecretId, VersionId: id }));
  const token = (JSON.parse(written.SecretString ?? '') as { refresh_token: string }).refresh_token;
  if (token !== answer.refresh_token) throw new Error('the version read back holds another token');
}

async function run({ kind, from, count, concurrency }: BareRun): Promise<BareMeasured> {
  const endedAtMs: number[] = [];
  const cpuBefore = cpuMs();
  const loopBefore = performance.eventLoopUtilization();
  let next = from;
  async function lane(): Promise<void> {
    while (next < from + count) {
      await rotate(connectionId(kind, next++));
      endedAtMs.push(clock.monotonic());
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { endedAtMs, cpuMs: cpuMs() - cpuBefore, busy: performance.eventLoopUtilization(loopBefore).utilization };
}

serve({}, { run }, async () => aws.destroy());
