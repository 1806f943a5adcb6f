/**
 * The service's configuration for the demo: the shipped defaults and provider files, with the limits that are real time cut
 * down to what a calendar of a day per second leaves room for. The calendar's own rules (lifetimes, retries) stay as they
 * are, but for how far two looks at a suspicion are apart.
 */
import type { Config } from '../../../config/derive.ts';

export interface Addresses {
  readonly store: string;
  readonly providers: string;
}

/** A fresh Redis grants no lease for this long, ms. Longer than both limits by what a rotation may wait for its turn. */
export const leaseMs = 6_000;
/** A second is a day here: what waits for its turn at ten a second would wait for days. */
const paceTimes = 10;

/** Real seconds are virtual days here. Recovery runs with every third sweep, as it does by default. */
const everySecond = '* * * * * *';
const everyThirdSecond = '*/3 * * * * *';

export function configureDemo(config: Config, addresses: Addresses, clients: readonly string[]): Config {
  const { store } = config;
  return {
    ...config,
    store: { ...store, kind: 'aws', aws: { ...store.aws, endpoint: addresses.store, region: 'eu-central-1' } },
    clients: Object.fromEntries(clients.map((client) => [client, { secret: clientSecretName(client) }])),
    providers: Object.fromEntries(Object.entries(config.providers).map(([name, one]) => [name, hurried(one)])),
    rotation: {
      ...config.rotation,
      requestLimit: 2_000,
      writeLimit: 1_500,
      lease: leaseMs,
      coolDown: 1,
      // Two looks and the success between them: a sweep is a day here.
      confirmAfter: 86_400_000,
      drainLimit: 5_000,
      concurrency: 8,
    },
    schedule: { sweep: everySecond, inventory: everySecond, recover: everyThirdSecond },
    alerts: { ...config.alerts, watch: everySecond },
    sandbox: { connectTo: addresses.providers },
  };
}

function hurried(provider: Config['providers'][string]): Config['providers'][string] {
  const { limits } = provider;
  return { ...provider, limits: { ...limits, perSecond: limits.perSecond * paceTimes } };
}

/** Name of the secret that holds a client's credentials. */
export function clientSecretName(client: string): string {
  return `clients/${client}`;
}
