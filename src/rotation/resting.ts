/**
 * Records that nothing can be done for yet: their requests came to nothing readable, nobody may ask again before its time, and
 * no token lies in them. With a provider that fails for days there are thousands; recovery need not read each from the store
 * at every run. What could change the matter is seen elsewhere: a new version or one left half written by inventory, the
 * time of the next try by the sweep.
 */
import { Secret } from '../runtime/secret.ts';
import type { Rotation } from './attempt.ts';
import type { SpoolRecord } from './ports.ts';

/**
 * Whether a connection's open records all wait for the next try its entry names, or for a person. Asks Redis and the spool,
 * never the store. Where anything is unclear the answer is no. Throws redis_unavailable.
 */
export async function isResting({ id, ports }: Rotation): Promise<boolean> {
  const known = await ports.index.get(id);
  if (known?.reason !== 'unknown_outcome') return false;
  if (known.nextAt !== null && known.nextAt <= ports.clock.now()) return false;
  const { records, unreadable } = await ports.spool.openOf(id);
  if (records.length === 0 || unreadable.length > 0) return false;
  for (const record of records) {
    // Of another token than the one the entry speaks of: it may be overtaken, and then it goes.
    if (record.intent.fingerprintOld !== known.fingerprint) return false;
    if (!(await holdsNothing(record, ports))) return false;
  }
  return true;
}

/** What an answer says of itself does not depend on which token was sent, unless it brought one. */
const anyToken = { refreshToken: new Secret('any') };

/** Nothing was sealed, or an error that leaves open whether the token is spent. */
async function holdsNothing(record: SpoolRecord, { endpoint, rules }: Rotation['ports']): Promise<boolean> {
  if (record.state === 'intent') return true;
  const provider = rules.providers.get(record.intent.provider);
  const raw = await record.answer().catch(() => undefined);
  if (provider === undefined || raw === undefined) return false;
  const answer = endpoint.read(provider, raw, anyToken);
  const isEmpty = answer.kind === 'refused' && answer.means === 'unknown';
  if (isEmpty) record.setAside(true);
  return isEmpty;
}
