/** Where a connection stands: every reason that makes a secret unusable, and what the index is told of the usable ones. */
import { describe, expect, it } from 'vitest';
import { defaultFieldNames } from '../../src/connection/document.ts';
import type { Reason } from '../../src/connection/entry.ts';
import { fingerprinter } from '../../src/connection/fingerprint.ts';
import { flagTags } from '../../src/connection/flag.ts';
import { entryOf, isDisproved, type JudgeRules, judge, type Sighting } from '../../src/connection/standing.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { day, hour, iso, on } from '../support/fakes/lives.ts';
import { providerFile } from '../support/provider-files.ts';

const now = on(0);
const fingerprint = fingerprinter(Buffer.alloc(32, 1));
const rules: JudgeRules = {
  providers: new Map(
    (['docusign', 'esignglobal', 'adobe-acrobat-sign'] as const).map((name) => [name, providerFile(name)]),
  ),
  names: defaultFieldNames,
  environment: 'production',
  keepAccessToken: () => false,
  fingerprint,
  hostOf: (provider, { apiAccessPoint }) =>
    provider.accessPoints.length > 0 && apiAccessPoint === undefined ? undefined : 'host.test',
  readDuration: (text) => (text === '50d' ? 50 * day : text === '0d' ? 0 : undefined),
};
const good = {
  provider: 'docusign',
  environment: 'production',
  client: 'main',
  refresh_token: 'live-token',
  scope: 'signature extended',
  refreshed_at: iso(-1),
};

function seen(value: unknown, change: Partial<Sighting> = {}): Sighting {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    id: 'c/1',
    tags: {},
    stages: { v1: ['AWSCURRENT'] },
    version: { versionId: 'v1', createdAt: on(-1), value: { text: new Secret(text) } },
    known: undefined,
    ...change,
  };
}

function entry(sighting: Sighting) {
  return entryOf(sighting, judge(sighting, rules, now), now);
}

describe('a secret is unusable', () => {
  const binary = { version: { versionId: 'v1', createdAt: now, value: { binary: Buffer.from([0xff, 0xfe]) } } };
  it.each<[Reason, unknown, Partial<Sighting>?]>([
    ['content_not_json', 'refresh_token=x'],
    ['content_not_object', '[]'],
    ['duplicate_key', '{"provider":"docusign","provider":"docusign"}'],
    ['forbidden_key', '{"__proto__":{}}'],
    ['binary_not_text', '', binary],
    ['provider_missing', { ...good, provider: undefined }],
    ['provider_missing', { ...good, provider: 7 }],
    ['provider_unknown', { ...good, provider: 'docusing' }],
    ['provider_unknown', { ...good, provider: 'constructor' }],
    ['environment_unknown', { ...good, environment: 'staging' }],
    ['environment_unknown', { ...good, environment: 'constructor' }],
    ['environment_unknown', { ...good, environment: 'toString' }],
    ['environment_unknown', { ...good, environment: undefined }],
    ['environment_mismatch', good, { tags: { 'pilotlight:environment': 'staging' } }],
    ['client_missing', { ...good, client: '' }],
    ['host_not_allowed', { ...good, provider: 'adobe-acrobat-sign' }],
    ['grant_holds_nothing', { ...good, provider: 'esignglobal', grant_type: 'client_credentials' }],
    ['refresh_token_missing', { ...good, refresh_token: undefined }],
    ['refresh_token_missing', { ...good, refresh_token: ' ' }],
    ['refresh_token_missing', { ...good, refresh_token: '<token>' }],
    ['replica', good, { primaryRegion: 'eu-west-1' }],
    ['foreign_rotation', good, { stages: { v1: ['AWSCURRENT'], v2: ['AWSPENDING'] } }],
  ])('for %s: %j', (reason, value, change) => {
    expect(judge(seen(value, change), rules, now)).toMatchObject({ usable: false, reason });
  });

  it('and is then looked at again by itself, told as invalid, or as missing consent where only the token is', () => {
    expect(entry(seen({ ...good, environment: 'staging' }))).toMatchObject({
      state: 'invalid',
      reason: 'environment_unknown',
      nextAt: now + 6 * hour,
      deadlineAt: null,
    });
    expect(entry(seen({ ...good, refresh_token: '' }))).toMatchObject({
      state: 'reauth_required',
      reason: 'refresh_token_missing',
    });
  });

  it('and waits for another content where it names no provider: no worker would take it', () => {
    for (const value of ['nonsense', { ...good, provider: 'docusing' }])
      expect(entry(seen(value))).toMatchObject({ state: 'invalid', nextAt: null });
  });

  it('since the first time it was, however often it is looked at', () => {
    const first = entry(seen('nonsense'));
    const known = { ...first, since: on(-3) };
    expect(entry(seen('nonsense', { known })).since).toBe(on(-3));
    expect(entry(seen('[]', { known })).since).toBe(now);
  });
});

describe('a secret is usable', () => {
  it.each<[string, unknown, Partial<Sighting>?]>([
    ['as it should be', good],
    [
      'in bytes',
      good,
      {
        version: {
          versionId: 'v1',
          createdAt: on(-1),
          value: { binary: Buffer.from(`\ufeff${JSON.stringify(good)}\r\n`) },
        },
      },
    ],
    ['with the store’s own rotation finished', good, { stages: { v1: ['AWSCURRENT', 'AWSPENDING'] } }],
    ['tagged for this environment', good, { tags: { 'pilotlight:environment': 'production' } }],
    ['with a grant type that is none of an object’s own', { ...good, grant_type: 'constructor' }],
    [
      'in other spellings',
      { Provider: 'docusign', Environment: 'production', CLIENT: 'main', refreshToken: 'live-token' },
    ],
  ])('%s', (_, value, change) => {
    expect(judge(seen(value, change), rules, now)).toMatchObject({
      usable: true,
      at: { provider: 'docusign', environment: 'production', client: 'main', host: 'host.test' },
      fingerprint: fingerprint(new Secret('live-token')),
    });
  });

  it('without a word on the environment where its provider has only one', () => {
    const value = { ...good, provider: 'adobe-acrobat-sign', environment: undefined, api_access_point: 'https://x/' };
    expect(judge(seen(value), rules, now)).toMatchObject({ usable: true, at: { environment: 'production' } });
  });
});

describe('the index is told', () => {
  it('when it is due, and no word of the token', () => {
    const told = entry(seen(good));
    expect(told).toMatchObject({
      state: 'active',
      reason: 'none',
      deadlineAt: on(29),
      clock: 'idle',
      estimated: false,
      failures: 0,
    });
    expect(told.nextAt).toBeGreaterThan(now);
    expect(JSON.stringify(told)).not.toContain('live-token');
  });

  it('that refreshing cannot help, and when it ends', () => {
    const value = { ...good, scope: 'signature', consented_at: iso(-10) };
    expect(entry(seen(value))).toMatchObject({
      state: 'unkeepable',
      reason: 'absolute_lifetime',
      nextAt: on(20),
      deadlineAt: on(20),
    });
    const undated = { ...good, scope: 'signature' };
    expect(entry(seen(undated))).toMatchObject({ state: 'unkeepable', nextAt: on(29), estimated: true });
  });

  it('that a proven end has passed: due at once, so that the flag is written', () => {
    const value = { ...good, scope: 'signature', consented_at: iso(-30) };
    expect(entry(seen(value))).toMatchObject({ state: 'reauth_required', reason: 'expired', nextAt: now });
    expect(entry(seen({ ...value, consented_at: undefined, refreshed_at: iso(-40) }))).not.toMatchObject({
      state: 'reauth_required',
    });
  });

  it('what the flag says where it judged this very version, and nothing of it otherwise', () => {
    const flag = { state: 'reauth_required', reason: 'invalid_grant', since: on(-2), version: 'v1' } as const;
    expect(entry(seen(good, { tags: flagTags(flag) }))).toMatchObject({
      state: 'reauth_required',
      reason: 'invalid_grant',
      since: on(-2),
      nextAt: null,
    });
    const older = seen(good, { tags: flagTags({ ...flag, version: 'v0' }) });
    expect(judge(older, rules, now)).toMatchObject({ flag: undefined });
    expect(entry(older)).toMatchObject({ state: 'active', reason: 'none' });
    const garbled = seen(good, { tags: { ...flagTags(flag), 'pilotlight:state': 'dead?' } });
    expect(entry(garbled)).toMatchObject({ state: 'active' });
  });

  describe('of a flag that says expired', () => {
    const flag = { state: 'reauth_required', reason: 'expired', since: on(-1), version: 'v1' } as const;
    const dated = (consented: number, tags: Record<string, string> = {}) =>
      seen(
        { ...good, scope: 'signature', consented_at: iso(consented), refreshed_at: iso(-9) },
        { tags: { ...flagTags(flag), ...tags } },
      );

    it('while the end it rests on is past', () => {
      expect(entry(dated(-31))).toMatchObject({ state: 'reauth_required', reason: 'expired', nextAt: null });
    });

    it('nothing where the end turns out to lie ahead: a tag was set, a rule or the clock corrected', () => {
      expect(entry(dated(-31, { 'pilotlight:absolute-lifetime': '50d' }))).toMatchObject({
        state: 'unkeepable',
        deadlineAt: on(19),
      });
      expect(judge(dated(-29), rules, now)).toMatchObject({ flag: undefined });
    });

    it('nothing where no end is known any more, and everything of one that says what a provider answered', () => {
      expect(entry(seen(good, { tags: flagTags(flag) }))).toMatchObject({ state: 'active' });
      expect(isDisproved(flag, { provenEndAt: null }, now)).toBe(true);
      expect(isDisproved(flag, { provenEndAt: now + 1 }, now)).toBe(true);
      expect(isDisproved(flag, { provenEndAt: now }, now)).toBe(false);
      expect(isDisproved({ reason: 'invalid_grant' }, { provenEndAt: null }, now)).toBe(false);
    });
  });

  it('what the operator set by tag, unless it cannot be meant', () => {
    const every = (text: string) => entry(seen(good, { tags: { 'pilotlight:refresh-every': text } })).nextAt;
    expect(every('50d')).toBe(on(26));
    for (const text of ['0d', 'soon', '']) expect(every(text)).toBe(entry(seen(good)).nextAt);
    const dead = seen(good, { tags: { 'pilotlight:absolute-lifetime': '0d', 'pilotlight:idle-lifetime': '0d' } });
    expect(entry(dead)).toMatchObject({ state: 'active', deadlineAt: on(29) });
  });

  it('another digest when the version or one of our tags changes, and the same when a customer’s tag does', () => {
    const digest = (change: Partial<Sighting>) => entry(seen(good, change)).seen;
    const before = digest({});
    expect(digest({ tags: { team: 'sales' } })).toBe(before);
    expect(digest({ tags: { 'pilotlight:snoozed-until': iso(9) } })).not.toBe(before);
    expect(
      digest({ version: { versionId: 'v2', createdAt: on(-1), value: { text: new Secret(JSON.stringify(good)) } } }),
    ).not.toBe(before);
    expect(before).toHaveLength(8);
  });
});
