/** What all inputs share: the real configuration with its real provider files, and one rule book made of it. */
import { parseDuration } from '../../../config/duration.ts';
import { fingerprinter } from '../../../src/connection/fingerprint.ts';
import type { JudgeRules } from '../../../src/connection/standing.ts';
import { rotationSettings } from '../../../src/derive-settings.ts';
import { tokenHost } from '../../../src/oauth/target.ts';
import { accepted } from '../../support/load-config.ts';

export const config = accepted({
  yaml: JSON.stringify({
    store: { kind: 'aws', find: { prefix: 'connections/' } },
    clients: { main: { secret: 'clients/main' } },
  }),
});
export const settings = rotationSettings(config);
export const nameOf = (id: string) => `connections/${id}`;

export const rules: JudgeRules = {
  providers: new Map(Object.entries(config.providers)),
  names: config.fields,
  environment: config.environment,
  keepAccessToken: () => false,
  fingerprint: fingerprinter(Buffer.alloc(32, 9)),
  hostOf(provider, { environment, apiAccessPoint, dataCenter }) {
    const target = tokenHost(provider, environment, {
      ...(apiAccessPoint === undefined ? {} : { apiAccessPoint }),
      ...(dataCenter === undefined ? {} : { dataCenter }),
    });
    return 'host' in target ? target.host : undefined;
  },
  readDuration: parseDuration,
  knowsClient: (client) => client === 'main',
};
