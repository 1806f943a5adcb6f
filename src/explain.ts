/** What a rotation would do now and why, without doing it: for `refresh --dry-run`. */
import type { Standing } from './connection/standing.ts';
import { describeReason } from './connection/words.ts';
import type { Services } from './services.ts';

const iso = (at: number | null) => (at === null ? 'never' : new Date(at).toISOString());

export async function explain(services: Services, id: string, standing: Standing): Promise<readonly string[]> {
  const { clients, index, deps } = services;
  if (!standing.usable) return [`would not be refreshed: ${describeReason(standing.reason).meaning}`];
  const { life, at, flag, fingerprint } = standing;
  const now = deps.clock.now();
  const lines = [
    `deadline ${iso(life.deadlineAt)} (${life.clock ?? 'no'} clock${life.estimated ? ', estimated' : ''}), due ${iso(life.dueAt)}`,
  ];
  const health = await clients.health(at);
  const holder = await index.holderOf(fingerprint, id);
  if (flag !== undefined)
    lines.push(`flagged ${flag.state} (${flag.reason}) since ${iso(flag.since)}: only a new consent helps`);
  if (life.dueAt === null) lines.push('would not be refreshed: no refresh can extend its life');
  if (holder !== undefined) lines.push(`would not be refreshed: another connection holds the same refresh token`);
  if (health.breaker === 'open')
    lines.push(
      `the provider rejects client ${at.client} (${health.breakerReason}); next probe ${iso(health.nextProbeAt)}`,
    );
  if (health.heldUntil > now) lines.push(`the provider asked us to wait until ${iso(health.heldUntil)}`);
  if (life.foreignSpender)
    lines.push('somebody else refreshes this connection too: it is refreshed later, and never sent twice');
  if (lines.length === 1)
    lines.push(`would be refreshed at ${at.host} with client ${at.client} (${health.secret} secret)`);
  return lines;
}
