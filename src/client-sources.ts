/** Where each client's credentials come from: a secret in the store, or the environment. */
import type { Config } from '../config/derive.ts';
import { PilotlightError } from './runtime/errors.ts';
import type { Machine } from './runtime/machine.ts';
import { Secret } from './runtime/secret.ts';
import type { ClientSource } from './secrets/clients.ts';

/** Clients as the registry wants them: the environment's values are read here, once, and travel as secrets. */
export function clientSources(config: Config, env: Machine['env']): Record<string, ClientSource> {
  const from = (client: string, variable: string) => {
    const value = env[variable];
    if (value !== undefined && value !== '') return value;
    throw new PilotlightError('config_invalid', `client ${client}: environment variable ${variable} is not set`);
  };
  return Object.fromEntries(
    Object.entries(config.clients).map(([name, source]): [string, ClientSource] => {
      if (source.secret !== undefined) {
        const publicClient = config.providers[source.provider ?? '']?.request.clientAuth === 'none';
        return [name, { secret: source.secret, publicClient }];
      }
      const { clientId, clientIdEnv, clientSecretEnv, previousClientSecretEnv } = source;
      const previous = previousClientSecretEnv === undefined ? undefined : env[previousClientSecretEnv];
      return [
        name,
        {
          clientId: clientId ?? from(name, clientIdEnv ?? ''),
          ...(clientSecretEnv === undefined ? {} : { clientSecret: new Secret(from(name, clientSecretEnv)) }),
          ...(previous === undefined || previous === '' ? {} : { previousClientSecret: new Secret(previous) }),
        },
      ];
    }),
  );
}
