/**
 * Credentials of our clients, from the store or from the environment. Kept for a short time, because every rotation asks;
 * read again at once after a provider rejected them, so that a corrected secret helps without a restart.
 */
import type { ClientCredentials, ClientRegistry, SecretStore } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { hasCode, PilotlightError } from '../runtime/errors.ts';
import type { Secret } from '../runtime/secret.ts';
import { readCredentials } from './client-document.ts';

/** Where a client's credentials are. */
export type ClientSource =
  /** Full name of the secret that holds `client_id`, `client_secret` and perhaps `previous_client_secret`. */
  | { readonly secret: string; readonly publicClient?: boolean }
  | { readonly clientId: string; readonly clientSecret?: Secret; readonly previousClientSecret?: Secret };

export interface ClientRegistryOptions {
  readonly store: Pick<SecretStore, 'read'>;
  readonly clients: Readonly<Record<string, ClientSource>>;
  readonly clock: Clock;
  /** How long credentials are used without asking the store (monotonic ms). Default 60 s. */
  readonly keepMs?: number;
}

export interface CachedClientRegistry extends ClientRegistry {
  /** The provider rejected them: read them again next time. */
  forget(client: string): void;
}

interface Kept {
  readonly credentials: ClientCredentials;
  readonly readAt: number;
}

function unavailable(client: string, why: string, cause?: unknown): PilotlightError {
  return new PilotlightError('client_unavailable', `the credentials of client ${client} are not available: ${why}`, {
    cause,
  });
}

export function createClientRegistry(options: ClientRegistryOptions): CachedClientRegistry {
  const { store, clients, clock, keepMs = 60_000 } = options;
  const kept = new Map<string, Kept>();
  const reading = new Map<string, Promise<ClientCredentials>>();

  async function read(client: string, source: Extract<ClientSource, { secret: string }>): Promise<ClientCredentials> {
    try {
      const { value } = await store.read(source.secret, { stage: 'AWSCURRENT' });
      const result = readCredentials(value, { publicClient: source.publicClient === true });
      if ('problem' in result) throw unavailable(client, `the secret ${source.secret} ${result.problem}`);
      return result.credentials;
    } catch (error) {
      const known = kept.get(client);
      // A store that is out of reach for a while has not taken the credentials back.
      if (known !== undefined && hasCode(error, 'store_unavailable', 'store_throttled')) return known.credentials;
      if (hasCode(error, 'client_unavailable')) throw error;
      throw unavailable(client, hasCode(error) ? error.message : `reading the secret ${source.secret} failed`, error);
    }
  }

  /** One read at a time for a client, however many rotations wait for it. */
  function readOnce(client: string, source: Extract<ClientSource, { secret: string }>): Promise<ClientCredentials> {
    const running = reading.get(client);
    if (running !== undefined) return running;
    const started: Promise<ClientCredentials> = read(client, source).then(
      (credentials) => {
        if (reading.get(client) === started) {
          reading.delete(client);
          kept.set(client, { credentials, readAt: clock.monotonic() });
        }
        return credentials;
      },
      (error: unknown) => {
        if (reading.get(client) === started) reading.delete(client);
        throw error;
      },
    );
    reading.set(client, started);
    return started;
  }

  return {
    async credentials(client) {
      const source = Object.hasOwn(clients, client) ? clients[client] : undefined;
      if (source === undefined) throw unavailable(client, 'it is not in the configuration; add it under clients');
      if (!('secret' in source)) return source;
      const known = kept.get(client);
      if (known !== undefined && clock.monotonic() - known.readAt < keepMs) return known.credentials;
      return readOnce(client, source);
    },
    forget(client) {
      kept.delete(client);
      // A read that began before the rejection may bring what was rejected.
      reading.delete(client);
    },
  };
}
