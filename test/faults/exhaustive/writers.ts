/** Who else writes to the secret, as programs: what each does, call by call, in whatever order the search lets it. */
import { Secret } from '../../../src/runtime/secret.ts';
import type { Actor } from '../sim/kernel.ts';
import { grantModes } from '../sim/provider-modes.ts';
import { wholeToken } from '../sim/sealed-tokens.ts';
import { connection, type SmallWorld } from './world.ts';

type Fields = Record<string, unknown>;
type Program = (world: SmallWorld, actor: Actor) => Promise<void>;

/** An application's plain put: AWSCURRENT goes to what it writes, whatever it was before. */
async function putBack(world: SmallWorld, actor: Actor, fields: Fields): Promise<void> {
  const store = world.store.bind(actor.calls);
  const value = { text: new Secret(JSON.stringify(fields)) };
  const versionId = `v-${actor.name}-${actor.random.uuid()}`;
  await store.put(world.install.nameOf(connection), { versionId, value, stages: ['AWSCURRENT'] });
}

async function readCurrent(world: SmallWorld, actor: Actor): Promise<Fields> {
  const store = world.store.bind(actor.calls);
  const { value } = await store.read(world.install.nameOf(connection), { stage: 'AWSCURRENT' });
  return JSON.parse('text' in value ? value.text.reveal() : value.binary.toString('utf8')) as Fields;
}

/** Refreshes by itself with the token it reads, and writes what it got into the document it read. */
const refresher: Program = async (world, actor) => {
  const fields = await readCurrent(world, actor);
  const endpoint = world.provider.bind(actor.calls, { actor: actor.name, ours: false });
  const { provider, environment } = world.install;
  const refreshToken = new Secret(String(fields.refresh_token));
  const exchange = await endpoint.send(
    endpoint.prepare({ provider, environment: String(environment), refreshToken }, world.clientOf()),
  );
  const token = exchange.kind === 'answered' ? wholeToken(exchange.answer.body.toString('utf8')) : undefined;
  if (token !== undefined) {
    const refreshed = new Date(actor.clock.now()).toISOString();
    await putBack(world, actor, { ...fields, refresh_token: token, refreshed_at: refreshed });
  }
  world.provider.oracle.letGo(actor.name, connection);
};

/** Saves another field of the document it reads, with the token that was in it. */
const saver: Program = async (world, actor) => {
  const fields = await readCurrent(world, actor);
  await putBack(world, actor, { ...fields, note: 'saved by the application' });
};

/** A customer consents anew, and what the consent brought is written into the document. */
const person: Program = async (world, actor) => {
  const consented = await actor.calls({
    name: 'person.consent',
    about: connection,
    effect: () => world.provider.consent(connection, grantModes[world.mode], { actor: actor.name, ours: false }),
    failed: () => {
      throw new Error('nobody consents without knowing');
    },
    limitMs: Number.POSITIVE_INFINITY,
  });
  const fields = await readCurrent(world, actor);
  const at = new Date(consented.consentedAt).toISOString();
  const { pilotlight: _, ...kept } = fields;
  const document = { ...kept, refresh_token: consented.refreshToken, consented_at: at, refreshed_at: at };
  await putBack(world, actor, document);
  world.provider.oracle.letGo(actor.name, connection);
};

const nobody: Program = async () => {};

export const writers = { nobody, saver, person, refresher } as const satisfies Readonly<Record<string, Program>>;
export type WriterName = keyof typeof writers;
