/** The simulated provider: what each mode does with a token, what each trouble looks like, and what the oracle says of it. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Exchange } from '../../src/rotation/ports.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { Calls } from '../faults/sim/call.ts';
import { simInstall } from '../faults/sim/install.ts';
import { createSimProvider, type SimProvider, type Trouble } from '../faults/sim/provider.ts';
import type { Requester } from '../faults/sim/provider-grants.ts';
import { changesFor, type GrantMode, grantModes, type ModeName } from '../faults/sim/provider-modes.ts';

const minute = 60_000;
const day = 86_400_000;
const acme = 'acme';
const ours: Requester = { actor: 'w1', ours: true };
const sibling: Requester = { actor: 'w2', ours: true };
const application: Requester = { actor: 'app', ours: false };
const human: Requester = { actor: 'human', ours: false };
const install = simInstall(changesFor(grantModes.strict));
const plainly: Calls = async (call) => call.effect();
/** The provider acts, and nobody hears of it. */
const unheard =
  (name: string): Calls =>
  async (call) => {
    const answer = call.effect();
    return call.name === name ? call.failed() : answer;
  };

let nowMs = 0;
let dead: Set<string>;
let kept: Set<string>;
let forgotten: boolean;
let provider: SimProvider;

beforeEach(() => {
  nowMs = Date.parse('2026-11-20T08:00:00Z');
  dead = new Set();
  kept = new Set();
  forgotten = false;
  provider = createSimProvider({
    now: () => nowMs,
    monotonic: () => nowMs,
    random: seededRandom(1),
    isAlive: (actor) => !dead.has(actor),
    fingerprint: install.rules.fingerprint,
    inOurHands: (_, token) => kept.has(token),
    forgotten: () => forgotten,
    secondTryAfterMs: () => 2 * minute,
    clients: { id: { secret: 'right', wrongSecret: 'invalid_grant' } },
  });
});

const consent = (mode: ModeName | GrantMode = 'strict') =>
  provider.consent(acme, typeof mode === 'string' ? grantModes[mode] : mode, human).refreshToken;

/** One refresh: the token that came, or what came instead of it. */
async function refresh(token: string, by = ours, calls = plainly, clientSecret = 'right'): Promise<string> {
  const endpoint = provider.bind(calls, by);
  const refreshToken = new Secret(token);
  const subject = { provider: install.provider, environment: 'production', refreshToken };
  const exchange = await endpoint.send(
    endpoint.prepare(subject, { clientId: 'id', clientSecret: new Secret(clientSecret) }),
  );
  return said(exchange, (answer) => endpoint.read(install.provider, answer, { refreshToken }), token);
}

function said(
  exchange: Exchange,
  read: (
    answer: Extract<Exchange, { kind: 'answered' }>['answer'],
  ) => ReturnType<ReturnType<SimProvider['bind']>['read']>,
  sent: string,
): string {
  if (exchange.kind !== 'answered') return exchange.kind;
  const answer = read(exchange.answer);
  if (answer.kind === 'granted') return answer.refreshToken?.reveal() ?? sent;
  return answer.kind === 'refused' ? `${answer.means} ${answer.status}` : answer.kind;
}

const invalidGrant = 'grant 400';

describe('what a mode does with a token', () => {
  test.each(['nonRotating', 'sameAgain'] as const)('%s takes the same one for ever', async (mode) => {
    const token = consent(mode);
    for (let use = 0; use < 3; use++) expect(await refresh(token)).toBe(token);
    expect(provider.oracle.accepted(acme)).toEqual([token]);
    expect([provider.oracle.doubleSpends(acme), provider.oracle.forgiving(acme)]).toEqual([0, true]);
  });

  test('strict takes each one once, and refuses a spent one without harm to its successor', async () => {
    const token = consent('strict');
    const next = await refresh(token);
    expect(await refresh(token)).toBe(invalidGrant);
    expect(provider.oracle.liveToken(acme)).toBe(next);
    expect(await refresh(next)).not.toBe(invalidGrant);
  });

  test('strict with family revocation ends the grant when a spent token comes again', async () => {
    const token = consent('strictFamily');
    const next = await refresh(token);
    expect(await refresh(token)).toBe(invalidGrant);
    expect(await refresh(next)).toBe(invalidGrant);
    expect(provider.oracle.accepted(acme)).toEqual([]);
  });

  test('a grace window gives the same successor again until it is over or the successor was used', async () => {
    const token = consent('grace');
    const next = await refresh(token);
    expect(provider.oracle.accepted(acme)).toEqual([next, token]);
    expect(await refresh(token)).toBe(next);
    nowMs += 31 * minute;
    expect(await refresh(token)).toBe(invalidGrant);
    const after = await refresh(next);
    expect(await refresh(token)).toBe(invalidGrant);
    expect(provider.oracle.accepted(acme)).toEqual([after, next]);
  });

  test('another grace window gives a second successor, and the first to be used lives on', async () => {
    const token = consent('graceAnother');
    const [one, two] = [await refresh(token), await refresh(token)];
    expect(provider.oracle.accepted(acme)).toEqual([two, one, token]);
    const three = await refresh(one);
    nowMs += 31 * minute;
    expect(await refresh(two)).toBe(invalidGrant);
    expect(provider.oracle.accepted(acme)).toEqual([three]);
  });

  test('a token that is replaced once a day stays the same before', async () => {
    const token = consent('daily');
    expect(await refresh(token)).toBe(token);
    nowMs += day;
    const next = await refresh(token);
    expect([next === token, await refresh(token)]).toEqual([false, invalidGrant]);
  });

  test('an idle grant dies, one that is used does not, and one with a final day dies on it', async () => {
    let token = consent('absolute');
    for (let uses = 0; uses < 4; uses++) {
      nowMs += 20 * day;
      token = await refresh(token);
    }
    nowMs += 10 * day;
    expect([await refresh(token), provider.oracle.deadBecause(acme)]).toEqual([invalidGrant, 'absolute']);
    const idle = consent('strict');
    nowMs += 30 * day;
    expect([provider.oracle.accepted(acme), provider.oracle.deadBecause(acme)]).toEqual([[], 'idle']);
    expect(await refresh(idle)).toBe(invalidGrant);
  });

  test('a consent makes a grant of its own, whose tokens come after all earlier ones', async () => {
    const old = consent();
    const before = provider.oracle.orderOf(acme, await refresh(old)) ?? 0;
    const fresh = consent();
    expect(provider.oracle.orderOf(acme, fresh)).toBeGreaterThan(before);
    expect(provider.oracle.accepted(acme)).toEqual([fresh]);
    expect(provider.oracle.givenTo(acme, fresh)).toBeUndefined();
    provider.revoke(acme);
    expect([provider.oracle.deadBecause(acme), await refresh(fresh)]).toEqual(['revoked', invalidGrant]);
  });
});

describe('what goes wrong with one request', () => {
  test.each<[Trouble, string, boolean]>([
    [{ kind: 'notSent' }, 'notSent', false],
    [{ kind: 'refuse', status: 503 }, 'unavailable 503', false],
    [{ kind: 'refuse', status: 500 }, 'unknown 500', false],
    [{ kind: 'refuse', status: 429, retryAfterS: 60 }, 'throttled 429', false],
    [{ kind: 'commitThenFail', status: 502 }, 'unknown 502', true],
    [{ kind: 'commitThenReset' }, 'unanswered', true],
    [{ kind: 'commitThenTruncate', at: 0.3 }, 'unknown 200', true],
    [{ kind: 'commitThenGarble' }, 'notUnderstood', true],
  ])('%o', async (trouble, expected, spent) => {
    const token = consent();
    provider.trouble = () => trouble;
    expect(await refresh(token)).toBe(expected);
    expect(provider.troubles[trouble.kind]).toBe(1);
    expect(provider.oracle.liveToken(acme) === token).toBe(!spent);
  });

  test('an answer that breaks off behind the refresh token still gives it', async () => {
    const token = consent();
    provider.trouble = () => ({ kind: 'commitThenTruncate', at: 0.95 });
    expect(await refresh(token)).toBe(provider.oracle.liveToken(acme));
    expect([...provider.oracle.held(acme)].filter(({ actor }) => actor === 'w1')).toHaveLength(1);
  });

  test('a wrong client secret is answered as the provider likes, and touches no token', async () => {
    const token = consent();
    expect(await refresh(token, ours, plainly, 'wrong')).toBe(invalidGrant);
    const client = provider.clients.id;
    if (client !== undefined) client.wrongSecret = 'invalid_client';
    expect(await refresh(token, ours, plainly, 'wrong')).toBe('client 401');
    expect([provider.oracle.liveToken(acme), provider.oracle.presentations(acme)]).toEqual([token, []]);
  });

  test('one request that the network delivers twice is one', async () => {
    const token = consent('strictFamily');
    const twice: Calls = async (call) => {
      const answer = call.effect();
      call.effect();
      return answer;
    };
    expect(await refresh(token, ours, twice)).toBe(provider.oracle.liveToken(acme));
  });
});

describe("the oracle's verdicts", () => {
  test('a token presented again whose successor we hold is a double spend, and a family it costs is on us', async () => {
    const token = consent('strictFamily');
    kept.add(await refresh(token));
    nowMs += 10 * minute;
    await refresh(token, sibling);
    expect([provider.oracle.doubleSpends(acme), provider.oracle.revokedByUs(acme)]).toEqual([1, 1]);
    expect(provider.oracle.deadBecause(acme)).toBe('ours');
  });

  test.each([
    'provider.request',
    'provider.answer',
  ])('one whose first answer was lost at %s is a second try, if it comes late enough', async (lostAt) => {
    const token = consent('strictFamily');
    expect(await refresh(token, ours, unheard(lostAt))).toBe('unanswered');
    nowMs += 3 * minute;
    await refresh(token, sibling);
    expect([provider.oracle.doubleSpends(acme), provider.oracle.policySecondTries]).toEqual([0, 1]);
    expect([provider.oracle.revokedByUs(acme), provider.oracle.deadBecause(acme)]).toEqual([0, 'window']);
  });

  test.each([
    false,
    true,
  ])('a second try before the first can have ended is a double spend, unless all memory of it is lost: %s', async (lost) => {
    const token = consent('grace');
    await refresh(token, ours, unheard('provider.answer'));
    nowMs += 30_000;
    forgotten = lost;
    await refresh(token, sibling);
    expect(provider.oracle.doubleSpends(acme)).toBe(lost ? 0 : 1);
  });

  test('a second try that brings the token is counted as won', async () => {
    const token = consent('grace');
    await refresh(token, ours, unheard('provider.answer'));
    nowMs += 3 * minute;
    expect(await refresh(token, sibling)).toBe(provider.oracle.liveToken(acme));
    expect(provider.oracle.secondTriesWon).toBe(1);
  });

  test("what an application spent before us or after us is nobody's double spend", async () => {
    const token = consent('strictFamily');
    await refresh(token, application);
    await refresh(token, ours);
    expect([provider.oracle.doubleSpends(acme), provider.oracle.revokedByUs(acme)]).toEqual([0, 0]);
    expect(provider.oracle.deadBecause(acme)).toBe('application');
  });

  test('a refusal spends nothing: the same token may come again', async () => {
    const token = consent();
    provider.trouble = () => ({ kind: 'refuse', status: 503 });
    await refresh(token);
    provider.trouble = undefined;
    kept.add(await refresh(token));
    expect([provider.oracle.doubleSpends(acme), provider.oracle.policySecondTries]).toEqual([0, 0]);
  });

  test('an answer on its way is held by whoever asked, until they die, let go of it, or it is lost', async () => {
    const token = consent();
    provider.oracle.letGo('human', acme);
    const held = () => [...provider.oracle.held(acme)].map((hand) => `${hand.actor} ${hand.token}`);
    const first = await refresh(token);
    expect(held()).toEqual([`w1 ${first}`]);
    provider.oracle.letGo('w1', acme);
    expect(held()).toEqual([]);
    const second = await refresh(first, sibling);
    expect(held()).toEqual([`w2 ${second}`]);
    dead.add('w2');
    expect(held()).toEqual([]);
    await refresh(second, ours, unheard('provider.answer'));
    expect(held()).toEqual([]);
  });

  test("a worker's last post is told by the token's fingerprint", async () => {
    const token = consent();
    await refresh(token);
    expect(provider.oracle.lastPost('w1')).toEqual({
      connection: acme,
      fingerprint: install.rules.fingerprint(new Secret(token)),
    });
    expect(provider.oracle.lastPost('w2')).toBeUndefined();
  });
});
