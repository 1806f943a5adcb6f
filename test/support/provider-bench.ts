/** A sandbox, a token endpoint pointed at it and a calendar tests turn by hand. */
import { createTokenEndpoint, type OAuthEndpoint } from '../../src/oauth/token-endpoint.ts';
import type { Answer, Exchange } from '../../src/rotation/ports.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import {
  type Consent,
  type Consented,
  createProviderSandbox,
  type ProviderSandbox,
} from '../../src/sandbox/providers/sandbox.ts';
import { type ProviderName, providerFile } from './provider-files.ts';

export const dayMs = 86_400_000;

/** A calendar that stands still until it is turned; monotonic time stays real. */
export interface TurnableClock extends Clock {
  turn(ms: number): void;
}

export function turnableClock(startAt = Date.parse('2026-11-20T08:00:00Z')): TurnableClock {
  let at = startAt;
  return {
    ...systemClock(),
    now: () => at,
    turn(ms) {
      at += ms;
    },
  };
}

export interface ProviderBench {
  readonly clock: TurnableClock;
  readonly sandbox: ProviderSandbox;
  readonly endpoint: OAuthEndpoint;
  readonly url: URL;
  consent(provider: ProviderName, more?: Partial<Consent>): Consented;
  /** One request with this token, sent and not yet read. */
  exchange(
    provider: ProviderName,
    held: Partial<Consented>,
    refreshToken: string,
    clientSecret?: string,
  ): Promise<Exchange>;
  /** One request with this token, read. Throws where no answer came. */
  refresh(
    provider: ProviderName,
    held: Partial<Consented>,
    refreshToken: string,
    clientSecret?: string,
  ): Promise<Answer>;
}

export const client = { clientId: 'client-1', clientSecret: 'canary-client-secret' };

export async function startProviderBench(): Promise<ProviderBench & { stop(): Promise<void> }> {
  const clock = turnableClock();
  const random = seededRandom(7);
  const sandbox = createProviderSandbox({ clock, random });
  const { url } = await sandbox.start();
  const limits = { connectMs: 5_000, totalMs: 20_000, bodyBytesMax: 1_048_576 };
  const endpoint = createTokenEndpoint({ clock, random, limits, connectTo: url, userAgent: 'Pilotlight/test' });
  const bench: ProviderBench = {
    clock,
    sandbox,
    endpoint,
    url,
    consent: (provider, more = {}) => sandbox.grants.create({ provider, connection: 'c1', client, ...more }),
    exchange(provider, held, refreshToken, clientSecret = client.clientSecret) {
      const subject = {
        provider: providerFile(provider),
        environment: held.environment ?? 'production',
        refreshToken: new Secret(refreshToken),
        ...(held.apiAccessPoint === undefined ? {} : { apiAccessPoint: held.apiAccessPoint }),
        ...(held.dataCenter === undefined ? {} : { dataCenter: held.dataCenter }),
      };
      return endpoint.send(
        endpoint.prepare(subject, { clientId: client.clientId, clientSecret: new Secret(clientSecret) }),
      );
    },
    async refresh(provider, held, refreshToken, clientSecret) {
      const exchange = await bench.exchange(provider, held, refreshToken, clientSecret);
      if (exchange.kind !== 'answered') throw new Error(`no answer: ${exchange.kind} ${exchange.label}`);
      return endpoint.read(providerFile(provider), exchange.answer, { refreshToken: new Secret(refreshToken) });
    },
  };
  return { ...bench, stop: () => sandbox.stop() };
}

/** The refresh token of an answer that brought one. */
export function newTokenOf(answer: Answer): string {
  if (answer.kind !== 'granted' || answer.refreshToken === undefined)
    throw new Error(`no new refresh token: ${answer.kind}`);
  return answer.refreshToken.reveal();
}
