/** Re-consent of one process: its keys, the provider's side, the memory of states, and what follows from a new grant. */
import { consentKey } from './alerts/condition.ts';
import { createAuthorization } from './oauth/authorization.ts';
import { createConsentStates } from './queue/consent-states.ts';
import { createIncidentMemory } from './queue/incidents.ts';
import { consentKeys } from './reconsent/keys.ts';
import type { RecordConsent } from './reconsent/ports.ts';
import { createReconsent, type Reconsent } from './reconsent/reconsent.ts';
import { Secret } from './runtime/secret.ts';
import { localKey, type Services } from './services.ts';

/** Undefined where no public address is configured: then there are no links. Throws config_invalid. */
export async function openReconsent(services: Services, audit: RecordConsent): Promise<Reconsent | undefined> {
  const { config, deps, redis, prefix, index } = services;
  const { publicUrl, keyFile, linkLife, writeLimit, allowAccountChange, accountField } = config.reconsent;
  if (publicUrl === undefined) return undefined;
  const key = await localKey(keyFile, config, deps);
  const { find } = config.store;
  const memory = createIncidentMemory({ redis: redis.redis, prefix });
  return createReconsent({
    ...services,
    ...deps,
    publicUrl,
    keys: consentKeys(new Secret(key.toString('base64')), config.environment),
    authorization: createAuthorization({
      clock: deps.clock,
      random: deps.random,
      providers: config.providers,
      ...(config.sandbox === undefined ? {} : { connectTo: new URL(config.sandbox.connectTo) }),
    }),
    states: createConsentStates({ redis: redis.redis, prefix }),
    audit,
    // What the index says of it is void: looked at by the next sweep, and read anew by inventory where that is faster. Its
    // end is told though the memory of its incident may have been lost since.
    async changed(connection) {
      const known = await index.get(connection);
      const now = deps.clock.now();
      const provider = known?.at.provider ?? '';
      await memory.recall(consentKey(config.environment, connection), { connection, provider, since: now });
      if (known !== undefined)
        await index.put([
          { ...known, state: 'active', reason: 'none', since: now, seen: '', nextAt: now, failures: 0 },
        ]);
    },
    linkLifeMs: linkLife,
    writeLimitMs: writeLimit,
    allowAccountChange,
    accountField,
    newTags: 'tag' in find ? { [find.tag.key]: find.tag.value } : {},
  });
}
