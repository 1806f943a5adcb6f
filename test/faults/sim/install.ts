/**
 * What is the same for every worker of the simulated install: the real configuration with its real defaults and a real
 * provider file, changed only in what the simulated provider's mode says of rotation and of a second try.
 */
import type { Config } from '../../../config/derive.ts';
import { parseDuration } from '../../../config/duration.ts';
import type { Provider } from '../../../config/provider.ts';
import { fingerprinter } from '../../../src/connection/fingerprint.ts';
import type { JudgeRules } from '../../../src/connection/standing.ts';
import { rotationSettings, sweepSettings } from '../../../src/derive-settings.ts';
import { tokenHost } from '../../../src/oauth/target.ts';
import type { RotationSettings } from '../../../src/rotation/settings.ts';
import type { SweepSettings } from '../../../src/schedule/sweep.ts';
import type { ClientSource } from '../../../src/secrets/clients.ts';
import type { Keyring } from '../../../src/spool/keyring.ts';
import { accepted } from '../../support/load-config.ts';

export const providerName = 'docusign';
export const clientName = 'main';
/** Full names of the store's secrets: connections begin with this. */
export const namePrefix = 'connections/';
export const clientSecretName = 'clients/main';

/** Room for an answer in a record: answers are short here, and every write on the simulated disk copies the file. */
const simulatedAnswerBytes = 2_048;

/** Parts of the provider's file that a mode of the simulated provider replaces. */
export type ProviderChanges = Partial<Pick<Provider, 'answer' | 'secondTry' | 'lifetimes' | 'limits'>>;

export interface SimInstall {
  readonly provider: Provider;
  readonly environment: string;
  readonly rules: JudgeRules;
  readonly settings: RotationSettings;
  readonly sweepSettings: SweepSettings;
  readonly keyring: Keyring;
  readonly answerSpaceBytes: number;
  readonly clients: Readonly<Record<string, ClientSource>>;
  readonly writesPerSecond: number;
  readonly nameOf: (id: string) => string;
  readonly idOf: (name: string) => string | undefined;
}

/** Made once for each mode: reading the configuration costs more than a whole simulated run. */
export function simInstall(changes: Record<string, unknown> = {}): SimInstall {
  const config = configOf(changes);
  const provider = config.providers[providerName];
  if (provider === undefined) throw new Error(`no provider ${providerName}`);
  const fingerprint = fingerprinter(Buffer.alloc(32, 7));
  return {
    provider,
    environment: config.environment,
    rules: {
      providers: new Map(Object.entries(config.providers)),
      names: config.fields,
      environment: config.environment,
      keepAccessToken: () => false,
      fingerprint,
      hostOf(of, { environment, apiAccessPoint, dataCenter }) {
        const target = tokenHost(of, environment, {
          ...(apiAccessPoint === undefined ? {} : { apiAccessPoint }),
          ...(dataCenter === undefined ? {} : { dataCenter }),
        });
        return 'host' in target ? target.host : undefined;
      },
      readDuration: parseDuration,
      knowsClient: (client) => client === clientName,
      providerOf: (client) => (client === clientName ? providerName : undefined),
    },
    settings: rotationSettings(config),
    sweepSettings: sweepSettings(config),
    keyring: { sealWith: 'k1', keys: new Map([['k1', Buffer.alloc(32, 1)]]) },
    answerSpaceBytes: simulatedAnswerBytes,
    clients: { [clientName]: { secret: clientSecretName } },
    writesPerSecond: config.store.aws.writesPerSecond,
    nameOf: (id) => namePrefix + id,
    idOf: (name) => (name.startsWith(namePrefix) ? name.slice(namePrefix.length) : undefined),
  };
}

/** YAML is a superset of JSON. */
function configOf(changes: Record<string, unknown>): Config {
  const yaml = JSON.stringify({
    store: { kind: 'aws', find: { prefix: namePrefix } },
    clients: { [clientName]: { provider: providerName, secret: clientSecretName } },
    providers: { [providerName]: changes },
  });
  return accepted({ yaml });
}
