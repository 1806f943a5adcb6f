/**
 * What most people run: a loop that reads the token, refreshes it, parses the answer and saves it. It dies at the same
 * points, and starts over.
 */
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { systemClock } from '../../../src/runtime/clock.ts';
import { seededRandom } from '../../../src/runtime/random.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../../src/sandbox/secrets-manager/double.ts';
import { createAwsClient } from '../../../src/secrets/aws-client.ts';
import { testCredentials } from '../../support/store-fixture.ts';
import type { Plan, Point } from './kills.ts';
import { type PeerServer, peerClient } from './server.ts';

export interface NaiveRun {
  readonly kills: number;
  /** The round in which a grant was seen dead first, by number; no entry where it lives. */
  readonly diedIn: ReadonlyMap<number, number>;
  /** Where its worker had died before that. */
  readonly killedAt: ReadonlyMap<number, readonly Point[]>;
  /** From the last byte of an answer to the store's word that it is saved, ms. */
  readonly exposedMs: readonly number[];
}

const atATime = 8;

/** The end of a process, at a point of ours. */
class Death extends Error {}

export async function refreshNaively(peer: PeerServer, grants: number, plan: Plan): Promise<NaiveRun> {
  const clock = systemClock();
  const double = createSecretsManagerDouble({ clock, random: seededRandom(3) });
  const { url } = await double.start();
  const limits = { connectMs: 3_000, requestMs: 10_000 };
  const aws = createAwsClient({ clock, region: 'eu-central-1', endpoint: url, credentials: testCredentials, limits });
  try {
    return await run({ aws, double, peer, monotonic: () => clock.monotonic(), exposedMs: [] }, grants, plan);
  } finally {
    aws.destroy();
    await double.stop();
  }
}

interface Loop {
  readonly aws: SecretsManagerClient;
  readonly double: SecretsManagerDouble;
  readonly peer: PeerServer;
  readonly monotonic: () => number;
  readonly exposedMs: number[];
}

async function run(loop: Loop, grants: number, plan: Plan): Promise<NaiveRun> {
  const { double, peer } = loop;
  const nameOf = (number: number) => `naive-${number}`;
  for (let number = 0; number < grants; number++) {
    const { refreshToken } = await peer.consent();
    double.secrets.create(nameOf(number), JSON.stringify({ refresh_token: refreshToken }));
  }
  const diedIn = new Map<number, number>();
  const killedAt = new Map<number, Point[]>();
  let kills = 0;
  for (const [round, deaths] of [...plan, new Map<number, Point>()].entries()) {
    const line = Array.from({ length: grants }, (_, number) => number).filter((number) => !diedIn.has(number));
    await Promise.all(
      Array.from({ length: atATime }, async () => {
        for (let number = line.shift(); number !== undefined; number = line.shift()) {
          const point = deaths.get(number);
          if (!(await refreshOrDie(loop, nameOf(number), point))) diedIn.set(number, round);
          if (point === undefined) continue;
          kills += 1;
          killedAt.set(number, [...(killedAt.get(number) ?? []), point]);
          // A new process finds it still due, and starts over with what the store holds.
          if (point.loop !== 'saved' && !(await refreshOrDie(loop, nameOf(number), undefined)))
            diedIn.set(number, round);
        }
      }),
    );
  }
  return { kills, diedIn, killedAt, exposedMs: loop.exposedMs };
}

/** False where the provider refused the token: a human has to consent again. */
async function refreshOrDie(loop: Loop, name: string, point: Point | undefined): Promise<boolean> {
  try {
    return await refreshAndSave(loop, name, point?.loop);
  } catch (error) {
    if (error instanceof Death) return true;
    throw error;
  }
}

async function refreshAndSave(
  { aws, peer, monotonic, exposedMs }: Loop,
  name: string,
  dies: Point['loop'] | undefined,
): Promise<boolean> {
  const die = (at: Point['loop']) => {
    if (dies === at) throw new Death();
  };
  const found = await aws.send(new GetSecretValueCommand({ SecretId: name }));
  const document = JSON.parse(found.SecretString ?? '') as { refresh_token: string };
  die('beforePost');
  const response = await fetch(peer.tokenUrl, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${peerClient.clientId}:${peerClient.clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: document.refresh_token }),
  });
  const text = await response.text();
  const answeredMs = monotonic();
  die('answered');
  const answer = JSON.parse(text) as { refresh_token?: string };
  if (!response.ok || answer.refresh_token === undefined) return false;
  die('beforePut');
  await aws.send(
    new PutSecretValueCommand({ SecretId: name, SecretString: JSON.stringify({ ...document, ...answer }) }),
  );
  exposedMs.push(monotonic() - answeredMs);
  die('saved');
  return true;
}
