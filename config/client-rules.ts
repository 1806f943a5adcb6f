/**
 * Where a client's credentials may be: its own secret in the store, or environment variables; never in the file, never in
 * both, and never where inventory would take them for a connection.
 */
import type { Surroundings } from './contradictions.ts';
import { didYouMean } from './did-you-mean.ts';
import type { Finding } from './problem.ts';
import type { ClientSource, ParsedConfig } from './schema.ts';

/** What is wrong with where one client's credentials are said to be. */
export function clientFindings(name: string, source: ClientSource, around: Surroundings): Finding[] {
  const findings: Finding[] = [];
  const at = (key: string | undefined, message: string, fix?: string) =>
    findings.push({
      path: ['clients', name, ...(key === undefined ? [] : [key])],
      message,
      ...(fix === undefined ? {} : { fix }),
    });
  const { provider, secret, clientId, clientIdEnv, clientSecretEnv, previousClientSecretEnv } = source;
  if (provider !== undefined && !around.providerNames.includes(provider)) {
    const meant = didYouMean(provider, around.providerNames);
    at(
      'provider',
      'is no provider that is configured',
      meant === undefined ? `there are ${around.providerNames.join(', ')}` : `did you mean ${meant}?`,
    );
  }
  const direct = [clientId, clientIdEnv, clientSecretEnv, previousClientSecretEnv].some((value) => value !== undefined);
  if (secret !== undefined && direct)
    at('secret', 'stands beside a client id or variables', 'keep either secret or the others');
  if (secret !== undefined) return findings;
  if (!direct)
    at(
      undefined,
      'says nothing of its credentials',
      'give secret (its name in the store), or clientId and clientSecretEnv',
    );
  else if ((clientId === undefined) === (clientIdEnv === undefined))
    at(undefined, 'must say either clientId or clientIdEnv');
  else if (clientSecretEnv === undefined && !(provider !== undefined && around.publicProviders.includes(provider))) {
    at(undefined, 'has no clientSecretEnv', 'only a client of a provider with request.clientAuth: none can do without');
  }
  if (previousClientSecretEnv !== undefined && previousClientSecretEnv === clientSecretEnv)
    at('previousClientSecretEnv', 'names the same variable as clientSecretEnv');
  for (const [key, variable] of Object.entries({ clientIdEnv, clientSecretEnv })) {
    if (variable !== undefined && !around.isSet(variable))
      at(
        key,
        `names the variable ${variable}, which is not set`,
        'set it, or read the credentials from the store with secret',
      );
  }
  return findings;
}

/** A client's secret found as a connection would be reported as broken for ever. */
export function clientsAmongConnections({ clients, store }: ParsedConfig): Finding[] {
  return Object.entries(clients).flatMap(([name, { secret }]): Finding[] => {
    if (store.find.prefix === undefined || secret?.startsWith(store.find.prefix) !== true) return [];
    return [
      {
        path: ['clients', name, 'secret'],
        message: 'begins with store.find.prefix and would be taken for a connection',
        fix: 'move it to another name',
      },
    ];
  });
}
