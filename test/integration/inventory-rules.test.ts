/** A changed configuration reaches what is indexed already: each secret is judged once by the new rules, and then left alone. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Config } from '../../config/derive.ts';
import { takeInventory } from '../../src/schedule/inventory.ts';
import { openServices } from '../../src/services.ts';
import { extended } from '../support/acme-bench.ts';
import { day, startWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
  world.connect({ ...extended, connection: 'acme' });
});
afterEach(() => world.closers.closeAll());

/** One pass by a process with this configuration: what it changed, and the connection's entry then. */
async function passBy(config: Config) {
  const services = await openServices(config, world.deps, world.closers);
  await services.redis.untilReached(10_000);
  const { changed } = await takeInventory({ ...services, ...world.deps }, { absent: new Set() });
  return { changed, entry: await services.index.get('acme') };
}

function withDocusign(change: (docusign: Config['providers'][string]) => Config['providers'][string]): Config {
  const { docusign } = world.config.providers;
  if (docusign === undefined) throw new Error('docusign is not configured');
  return { ...world.config, providers: { ...world.config.providers, docusign: change(docusign) } };
}

test('a shorter lifetime counts for what is indexed, and is read into it once', async () => {
  const { entry } = await passBy(world.config);
  const week = withDocusign((docusign) => ({ ...docusign, lifetimes: [{ idle: 7 * day }] }));
  const judged = await passBy(week);
  expect(judged.changed).toBe(1);
  expect(judged.entry?.deadlineAt).toBe((entry?.extendedAt ?? 0) + 7 * day);
  expect(await passBy(week)).toEqual({ ...judged, changed: 0 });
});

test('an access token to be kept is kept from now on', async () => {
  const { entry } = await passBy(world.config);
  const keeping = await passBy(withDocusign((docusign) => ({ ...docusign, keep: 'access-token' })));
  expect(keeping.entry?.nextAt).toBeLessThan(entry?.nextAt ?? 0);
});

test('a provider that is configured no more is said to be unknown, and nothing is queued for it', async () => {
  await passBy(world.config);
  const { docusign: _, ...others } = world.config.providers;
  const { entry } = await passBy({ ...world.config, providers: others });
  expect(entry).toMatchObject({ state: 'invalid', reason: 'provider_unknown', nextAt: null });
});

test('another pace towards a provider costs no read', async () => {
  const { entry } = await passBy(world.config);
  const slower = withDocusign((docusign) => ({ ...docusign, limits: { ...docusign.limits, perSecond: 1 } }));
  expect(await passBy(slower)).toEqual({ changed: 0, entry });
});
