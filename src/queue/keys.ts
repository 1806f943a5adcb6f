/**
 * Every key Pilotlight keeps in Redis, in one place. All begin with one hash-tagged prefix, so that on Redis Cluster they
 * share a slot and one script may touch several. No key and no value ever holds a token or a secret: only connection ids,
 * host names, instants, fingerprints and codes.
 */
import { PilotlightError } from '../runtime/errors.ts';

export const defaultPrefix = '{pilotlight}';

/**
 * Key names as the scripts build them (`<prefix>:<name>`):
 *
 *     groups          hash    client at a host (JSON) -> group number       index.ts, due-index.ts
 *     group-names     hash    group number -> client at a host (JSON)
 *     e:<bucket>      hash    connection id -> entry (entry-codec.ts)
 *     l:<bucket>      hash    the same for ids too long for Redis's compact encoding
 *     f:<bucket>      hash    fingerprint -> first digits of the SHA-1 of the id that claims it
 *     entry-count     string  number of entries
 *     due:<group>     zset    connection id by nextAt (epoch ms)
 *     ready:<group>   zset    connection id by deadline (epoch ms), unknown first
 *     next            zset    group by the soonest nextAt of its due set
 *     ready-groups    set     groups with a ready set
 *     epoch           hash    Redis server run id -> when it was first seen (Redis TIME, ms)   leases.ts
 *     epoch-line      hash    Redis server run id -> its line of replication when it was seen
 *     lease:<id>      string  owner token
 *     cool:<id>       string  a POST was made a short while ago
 *     spool:<id>      hash    attempt -> sealed record (spool/format.ts)     spool-mirror.ts
 *     spools          set     connections that have one
 *     rate:<line>     hash    next free slots of a limiter (Redis TIME, us)  permits.ts
 *     client:<json>   hash    breaker, last success, hold, preferred secret  clients.ts
 *     suspects:<json> set     connections refused since the last success
 *     clients         set     clients at hosts that have either of the two
 *     holds           hash    provider's host -> no request before (epoch ms)
 *     lamps           hash    cron job -> when it last came to its end (calendar, epoch ms)    lamps.ts
 *     report:<id>     string  what a refresh by hand came to (JSON, no token)                   reports.ts
 *     refresh-<provider>:*    BullMQ                                         refresh-queues.ts
 *     incidents       hash    incident's key -> what is told of it (JSON)                       incidents.ts
 *     deliveries      hash    incident's key and channel -> what the channel has of it
 *     channels        hash    channel -> since when it fails, and why
 *     recalled        hash    incident's key -> a flag whose connection lives again
 *     incidents-born  string  when this memory was first asked (calendar, epoch ms)
 *     spoken          set     keys of what many share, told of since
 *     mass            hash    provider -> since when many are refused, and whether a person confirmed it
 *     foreign         zset    connection and provider by when somebody else refreshed it
 *     alert-orders    list    what a person ordered: close, put off, confirm
 *     alerts-turn     string  one process looks at a time
 *     attempts:<id>   list    the last attempts that did not simply succeed                     attempts.ts
 *     mix:<day>       hash    client, outcome and reason -> attempts of a day (UTC)
 *     consent:<nonce> string  a consent under way, for ten minutes                              consent-states.ts
 *     alerts:*                BullMQ                                         alert-queue.ts
 */
export function keyOf(prefix: string, name: string): string {
  return `${prefix}:${name}`;
}

/** The prefix itself when it is fit for use. Throws config_invalid. */
export function checkedPrefix(prefix: string): string {
  if (/^[^{}\s]*\{[^{}\s]+\}[^{}\s]*$/.test(prefix)) return prefix;
  throw new PilotlightError(
    'config_invalid',
    'the Redis key prefix must hold one hash tag in braces, such as {pilotlight}, so that all keys share a Cluster slot',
  );
}
