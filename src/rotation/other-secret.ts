/** While the operator rotates a client's secret two of them are stored: one of both is the provider's. */
import type { Rotation, Subject } from './attempt.ts';
import { forgivingRedis } from './finish.ts';

/** Both are tried in turn; true when the other one is worth a try now. */
export async function tryOtherSecret(
  { ports }: Rotation,
  { standing }: Subject,
  used: 'current' | 'previous',
): Promise<boolean> {
  ports.registry.forget(standing.at.client);
  const credentials = await ports.registry.credentials(standing.at.client).catch(() => undefined);
  if (credentials?.previousClientSecret === undefined) return false;
  await forgivingRedis(() => ports.clients.preferSecret(standing.at, used === 'current' ? 'previous' : 'current'));
  return used === 'current';
}
