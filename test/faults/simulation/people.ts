/**
 * Who else touches the connections: an application that saves other fields, writes back what it read long ago, or
 * refreshes by itself, and customers who consent again, when asked or for no reason, or withdraw their consent.
 */
import { readFlag } from '../../../src/connection/flag.ts';
import { type SecretStore, stage, type TokenEndpoint } from '../../../src/rotation/ports.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import type { Actor } from '../sim/kernel.ts';
import type { Run } from './state.ts';
import { day, hour, lengthMs, minute, waitMs } from './swarm.ts';

const meanMs = { saver: 3 * day, slowSaver: 4 * day, refresher: 4 * day, whim: 30 * day, revoke: 60 * day } as const;

const operatorEveryMs = day;

/** A document as an application has it in mind. */
interface Document {
  readonly members: Readonly<Record<string, unknown>>;
  /** How often the connection had been consented to again when it was read. */
  readonly consents: number;
}

export function letPeopleIn(run: Run): void {
  const { swarm, world, dice } = run;
  const { kernel, provider, store, install } = world;
  let nth = 0;
  let putNth = 0;

  /** An actor for one errand. */
  const errand = (who: string): Actor => kernel.spawn(`${who}-${++nth}`);
  const repeatedly = (mean: number, act: () => void) => {
    kernel.after(waitMs(dice, mean), () => {
      if (run.calm) return;
      act();
      repeatedly(mean, act);
    });
  };

  /** How often each connection was consented to again: what was read before is of a grant nobody uses any more. */
  const consents = new Map<string, number>();

  /** Puts until the store takes it, or until a consent has made it needless; answers whether it did. */
  async function put(bound: SecretStore, actor: Actor, connection: string, document: Document): Promise<void> {
    const versionId = `application-errand-${String(++putNth).padStart(16, '0')}`;
    const text = JSON.stringify(document.members);
    while (document.consents === (consents.get(connection) ?? 0)) {
      try {
        await bound.put(install.nameOf(connection), {
          versionId,
          value: { text: new Secret(text) },
          stages: [stage.current],
        });
        return;
      } catch {
        await actor.clock.sleep(10 * minute);
      }
    }
  }

  async function read(bound: SecretStore, connection: string): Promise<Document | undefined> {
    const before = consents.get(connection) ?? 0;
    try {
      const { value } = await bound.read(install.nameOf(connection), { stage: stage.current });
      return 'text' in value ? { members: JSON.parse(value.text.reveal()), consents: before } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Reads, thinks for a while, and writes all of it back with one field changed. */
  async function save(connection: string, thinksMs: number): Promise<void> {
    const actor = errand('application');
    const bound = store.bind(actor.calls);
    const document = await read(bound, connection);
    if (document === undefined) return;
    await actor.clock.sleep(thinksMs);
    await put(bound, actor, connection, { ...document, members: { ...document.members, note: `saved ${nth}` } });
    run.wake('saved');
  }

  /** Refreshes as applications do: reads, posts, writes back. */
  async function refresh(connection: string): Promise<void> {
    const actor = errand('application');
    const bound = store.bind(actor.calls);
    const endpoint = provider.bind(actor.calls, { actor: actor.name, ours: false });
    const document = await read(bound, connection);
    if (typeof document?.members.refresh_token !== 'string') return;
    const token = await post(endpoint, document.members.refresh_token);
    if (token !== undefined) {
      const refreshed_at = new Date(kernel.now()).toISOString();
      const members = { ...document.members, refresh_token: token, refreshed_at };
      await put(bound, actor, connection, { ...document, members });
      run.wake('refreshed');
    }
    provider.oracle.letGo(actor.name, connection);
    world.happened('application.done');
  }

  async function post(endpoint: TokenEndpoint, token: string): Promise<string | undefined> {
    const refreshToken = new Secret(token);
    const clientSecret = new Secret(provider.clients['client-id']?.secret ?? '');
    const subject = { provider: install.provider, environment: 'production', refreshToken };
    const exchange = await endpoint.send(endpoint.prepare(subject, { clientId: 'client-id', clientSecret }));
    if (exchange.kind !== 'answered') return undefined;
    const answer = endpoint.read(install.provider, exchange.answer, { refreshToken });
    return answer.kind === 'granted' ? answer.refreshToken?.reveal() : undefined;
  }

  /** A person goes through the provider's pages; where the application cannot store what comes, it asks again later. */
  function consent(connection: string): void {
    if (store.outage !== undefined || store.writeOutage !== undefined) {
      kernel.after(hour, () => consent(connection));
      return;
    }
    if (posting.has(connection)) run.saw('reconsentDuringRotation');
    consents.set(connection, (consents.get(connection) ?? 0) + 1);
    world.consent(connection);
    run.wake('consent');
  }

  /** Connections for which a request of ours is under way. */
  const posting = new Set<string>();
  const asked = new Set<string>();
  kernel.onEvent(({ actor, name, about }) => {
    if (!/^w\d/.test(actor)) return;
    if (name === 'provider.request') {
      posting.add(about);
      if (swarm.whims && !run.calm && dice.chance(0.03)) kernel.after(dice.below(600), () => consent(about));
    }
    if (name === 'lease.coolDown' || name === 'lease.release') posting.delete(about);
    if (name !== 'store.tag') return;
    const connection = install.idOf(about);
    if (connection === undefined || !swarm.human) return;
    const flag = readFlag(store.tags(about));
    if (flag?.state !== 'reauth_required' || asked.has(flag.version)) return;
    asked.add(flag.version);
    kernel.after(lengthMs(dice, hour, 3 * day), () => {
      // Mended by itself since, or by somebody else: nobody is asked any more.
      if (store.current(about)?.versionId === flag.version) consent(connection);
    });
  });

  /** Where nothing of a client succeeds nobody is flagged: the operator, who is told, finds out and asks the customers. */
  function operatorLooks(): void {
    kernel.after(operatorEveryMs, () => {
      if (run.calm) return;
      const now = kernel.now();
      const all = [...world.redis.index.entries.values()];
      const isStuck = ({ state, since }: (typeof all)[number]) => state === 'suspect' && now - since > operatorEveryMs;
      if (all.length > 0 && all.every(isStuck))
        for (const connection of world.connections)
          if (provider.oracle.liveToken(connection) === undefined) consent(connection);
      operatorLooks();
    });
  }
  if (swarm.human) operatorLooks();

  for (const connection of world.connections) {
    if (swarm.application === 'saver') repeatedly(meanMs.saver, () => void save(connection, dice.below(3_000)));
    if (swarm.application === 'slowSaver')
      repeatedly(meanMs.slowSaver, () => void save(connection, lengthMs(dice, 1_000, 2 * day)));
    if (swarm.application === 'refresher') repeatedly(meanMs.refresher, () => void refresh(connection));
    if (swarm.whims) repeatedly(meanMs.whim, () => consent(connection));
    if (swarm.revokes) repeatedly(meanMs.revoke, () => provider.revoke(connection));
  }
}
