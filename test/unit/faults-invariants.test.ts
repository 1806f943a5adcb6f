/** Each invariant of the simulated world bites on the very thing it forbids, and is silent beside it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { flagTags } from '../../src/connection/flag.ts';
import type { Intent, SecretValue } from '../../src/rotation/ports.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { answerStart, encodeAnswer, encodeCompact, encodeRecord } from '../../src/spool/format.ts';
import type { Calls } from '../faults/sim/call.ts';
import { createSimDisk, type SimDisk } from '../faults/sim/files.ts';
import { createInvariants, type Invariants } from '../faults/sim/invariants.ts';
import { createPlaces, type Places, type StoredVersion } from '../faults/sim/places.ts';
import { sealedTokens } from '../faults/sim/sealed-tokens.ts';
import { answerOf, intentOf, keyA, ringA } from '../support/fakes/spool-files.ts';

const plainly: Calls = async (call) => call.effect();
const id = 'customers/1';
const documentOf = (token: string): SecretValue => ({
  text: new Secret(JSON.stringify({ refresh_token: token, note: 'x' })),
});
const bodyWith = (token: string) => Buffer.from(JSON.stringify({ access_token: 'at', refresh_token: token }));

let versions: Map<string, StoredVersion>;
let disk: SimDisk;
let mirror: Map<string, Buffer>;
let held: { token: string; actor: string; ours: boolean }[];
let accepted: string[];
let tags: Record<string, string>;
let posted: { connection: string; fingerprint: string } | undefined;
let counts: { doubleSpends: number; revoked: number; redisLosses: number };
let forgiving: boolean;
let toOurs: boolean | undefined;
let places: Places;
let invariants: Invariants;

beforeEach(() => {
  versions = new Map();
  disk = createSimDisk();
  mirror = new Map();
  held = [];
  accepted = ['t1'];
  tags = {};
  posted = undefined;
  counts = { doubleSpends: 0, revoked: 0, redisLosses: 0 };
  forgiving = false;
  toOurs = true;
  const sources = {
    connections: [id],
    labelled: () => [...versions.values()].filter(({ stages }) => stages.length > 0),
    version: (_: string, versionId: string) => versions.get(versionId),
    disks: () => [disk],
    mirrored: () => mirror,
    held: () => held,
    sealed: sealedTokens('test', ringA),
  };
  places = createPlaces(sources);
  invariants = createInvariants({
    ...sources,
    places,
    accepted: () => accepted,
    givenTo: () => (toOurs === undefined ? undefined : { ours: toOurs }),
    forgiving: () => forgiving,
    redisLosses: () => counts.redisLosses,
    tags: () => tags,
    orderOf: (_, token) => Number(token.slice(1)),
    doubleSpends: () => counts.doubleSpends,
    revokedByUs: () => counts.revoked,
    diskOf: () => disk,
    lastPost: () => posted,
  });
});

function store(versionId: string, token: string, stages: string[]): void {
  versions.set(versionId, { versionId, stages, value: documentOf(token) });
}
/** A record's bytes for the disk and for the mirror, with an answer where a token is given. */
function recordOf(intent: Intent, token?: string) {
  const { file, header } = encodeRecord(intent, 'test', ringA, 512);
  const answer = answerOf({ body: bodyWith(token ?? '') });
  const sealed = token && encodeAnswer(answer, intent.attempt, header, keyA, Buffer.alloc(12));
  if (sealed) sealed.copy(file, answerStart);
  return { file, compact: encodeCompact(header, keyA, sealed || undefined) };
}
const makeFile = (intent: Intent, token?: string) =>
  disk.bind(plainly).create(`${intent.attempt}.rec`, recordOf(intent, token).file);
const said = (name = 'store.put', ours = true) =>
  invariants.check({ actor: ours ? 'one' : 'app', name, ours }).map(({ property }) => property);

describe('places', () => {
  it('are every version that is labelled or named by a record, sealed answers, and what somebody alive has', async () => {
    const intent = intentOf({ connection: id, versionNew: 'v-new' });
    store('v0', 't0', ['AWSPREVIOUS']);
    store('v1', 't1', ['AWSCURRENT']);
    store('v2', 't2', ['PILOTLIGHT_ORPHAN_1']);
    store('v-new', 't3', []);
    store('v9', 't9', []);
    await makeFile(intent, 't4');
    mirror.set(intent.attempt, recordOf(intent, 't5').compact);
    held = [
      { token: 't6', actor: 'one', ours: true },
      { token: 't7', actor: 'app', ours: false },
    ];
    expect(places.of(id).map(({ kind, token }) => `${token} ${kind}`)).toEqual([
      't0 labelled',
      't1 current',
      't2 orphan',
      't4 disk',
      't3 named',
      't5 mirror',
      't3 named',
      't6 worker',
      't7 foreign',
    ]);
  });

  it('are not a record of another connection, one without an answer, one torn, or a token cut short', async () => {
    await makeFile(intentOf({ connection: 'customers/2' }), 't1');
    await makeFile(intentOf({ connection: id }));
    const torn = intentOf({ connection: id });
    await makeFile(torn, 't1');
    disk.spoil(`${torn.attempt}.rec`, (bytes) =>
      Buffer.concat([bytes.subarray(0, answerStart + 40), Buffer.alloc(900)]),
    );
    expect(places.of(id)).toEqual([]);
    versions.set('v', { versionId: 'v', stages: ['AWSCURRENT'], value: { text: new Secret('{"refresh_token":"t') } });
    expect(places.of(id)).toEqual([]);
  });
});

describe('a live token that lies nowhere', () => {
  it('is lost, and said once', () => {
    store('v1', 't1', ['AWSCURRENT']);
    expect(said()).toEqual([]);
    store('v1', 't1', []);
    expect(said()).toEqual(['lostTokens']);
    expect(said()).toEqual([]);
  });

  it('is not lost while the provider takes another one that is there, nor when the grant is dead', () => {
    store('v0', 't0', ['AWSCURRENT']);
    accepted = ['t1', 't0'];
    expect(said()).toEqual([]);
    accepted = [];
    versions.clear();
    expect(said()).toEqual([]);
  });

  it('is not looked for after an event that moves nothing', () => {
    store('v1', 't1', ['AWSCURRENT']);
    said();
    versions.clear();
    expect([said('store.read'), said('lease.acquire'), said('disk.read'), said('mirror.of')].flat()).toEqual([]);
    expect(said('world.kill', false)).toEqual(['lostTokens']);
  });

  it('is the stated window where it was never sealed, unless the provider forgives', () => {
    held = [{ token: 't1', actor: 'one', ours: true }];
    said('provider.answer');
    held = [];
    expect(said('world.kill', false)).toEqual([]);
    expect(invariants.windowLosses.neverSealed).toBe(1);
    forgiving = true;
    accepted = ['t2'];
    expect(said()).toEqual(['lostTokens']);
  });

  it('is the stated window where disk and Redis were lost, and a violation where either was not', async () => {
    const intent = intentOf({ connection: id });
    const file = `${intent.attempt}.rec`;
    for (const [token, diskLost, mirrored, redisLost, verdict] of [
      ['t1', true, true, true, 'diskAndRedis'],
      ['t2', true, false, false, 'diskBeforeMirror'],
      ['t3', false, true, true, 'lostTokens'],
      ['t4', true, true, false, 'lostTokens'],
    ] as const) {
      disk = createSimDisk();
      accepted = [token];
      await makeFile(intent, token);
      if (mirrored) mirror.set(intent.attempt, recordOf(intent, token).compact);
      expect(said('disk.write')).toEqual([]);
      if (diskLost) disk.throwAway();
      else await disk.bind(plainly).remove(file);
      mirror.clear();
      if (redisLost) counts.redisLosses += 1;
      const before = { ...invariants.windowLosses };
      const told = said('world.flush', false);
      const windows = Object.entries(invariants.windowLosses).filter(
        ([name, count]) => count > before[name as 'application'],
      );
      expect([...told, ...windows.map(([name]) => name)]).toEqual([verdict]);
    }
  });

  it("is the application's where it was given to one that lost it", () => {
    toOurs = false;
    expect(said('world.kill', false)).toEqual([]);
    expect(invariants.windowLosses.application).toBe(1);
    store('v1', 't2', ['AWSCURRENT']);
    accepted = ['t2'];
    said();
    versions.clear();
    expect(said()).toEqual(['lostTokens']);
  });
});

describe('what we may not do', () => {
  it('move AWSCURRENT back to an older token; an application may', () => {
    accepted = [];
    store('v2', 't2', ['AWSCURRENT']);
    said();
    versions.clear();
    store('v1', 't1', ['AWSCURRENT']);
    expect(said('store.put', false)).toEqual([]);
    versions.clear();
    store('v0', 't0', ['AWSCURRENT']);
    expect(said('store.moveStage')).toEqual(['newerOverwritten']);
  });

  it('delete a record whose live token the store does not have', async () => {
    const intent = intentOf({ connection: id });
    const twin = intentOf({ connection: id });
    await makeFile(intent, 't1');
    mirror.set(twin.attempt, recordOf(twin, 't1').compact);
    said('disk.write');
    await disk.bind(plainly).remove(`${intent.attempt}.rec`);
    expect(said('disk.remove')).toEqual(['recordDeletedEarly']);
    store('v1', 't1', ['PILOTLIGHT_PENDING']);
    mirror.clear();
    expect(said('mirror.drop')).toEqual([]);
  });

  it('ask for consent while a place of ours holds the live token', () => {
    const flag = { state: 'reauth_required', reason: 'invalid_grant', since: 5, version: 'v0' } as const;
    store('v0', 't0', ['AWSCURRENT']);
    held = [{ token: 't1', actor: 'app', ours: false }];
    tags = flagTags(flag);
    expect(said('store.tag')).toEqual([]);
    store('v0', 't0', ['AWSPREVIOUS']);
    store('v1', 't0', ['AWSCURRENT']);
    store('v2', 't1', ['PILOTLIGHT_PENDING']);
    expect(said('store.tag')).toEqual([]);
    tags = flagTags({ ...flag, version: 'v1' });
    expect(said('store.tag')).toEqual(['falseReconsents']);
  });

  it('spend twice, or have a grant revoked', () => {
    store('v1', 't1', ['AWSCURRENT']);
    counts.doubleSpends = 1;
    counts.revoked = 1;
    expect(said('provider.request')).toEqual(['doubleSpends', 'familiesRevoked']);
    expect(said('provider.request')).toEqual([]);
  });

  it('post without an intent on the disk that the mirror has acknowledged', async () => {
    store('v1', 't1', ['AWSCURRENT']);
    const intent = intentOf({ connection: id, fingerprintOld: 'aaaaaaaaaaaa' });
    posted = { connection: id, fingerprint: 'aaaaaaaaaaaa' };
    expect(said('provider.request')).toEqual(['postWithoutIntent']);
    await makeFile(intent);
    expect(said('provider.request')).toEqual(['postWithoutIntent']);
    mirror.set(intent.attempt, recordOf(intent).compact);
    said('mirror.keep');
    mirror.clear();
    expect(said('provider.request')).toEqual([]);
    posted = { connection: id, fingerprint: 'bbbbbbbbbbbb' };
    expect(said('provider.request')).toEqual(['postWithoutIntent']);
  });
});
