/** The document a successful answer makes: the same bytes for whoever makes it, and nothing forgotten in it. */
import { describe, expect, it } from 'vitest';
import { type ConnectionDocument, defaultFieldNames, parseDocument } from '../../src/connection/document.ts';
import { fingerprinter } from '../../src/connection/fingerprint.ts';
import {
  answerWillFit,
  type Granted,
  type RenewalFacts,
  renewDocument,
  valueLike,
} from '../../src/rotation/renewal.ts';
import { tokenBytesMax, valueBytesMax } from '../../src/rotation/settings.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { providerFile } from '../support/provider-files.ts';

const sealedAt = Date.UTC(2026, 10, 20, 8, 0, 0, 5);
const fingerprint = fingerprinter(Buffer.alloc(32, 3));
const oldPrint = fingerprint(new Secret('old'));
const newPrint = fingerprint(new Secret('new'));

function documentOf(value: unknown): ConnectionDocument {
  const parsed = parseDocument(typeof value === 'string' ? value : JSON.stringify(value), defaultFieldNames, sealedAt);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.document;
}

const plain = {
  provider: 'p',
  refresh_token: 'old',
  scope: 'signature extended',
  note: 'keep',
  refreshed_at: '2026-11-01T00:00:00Z',
};
const granted = (change: Partial<Granted> = {}): Granted => ({
  kind: 'granted',
  refreshToken: new Secret('new'),
  accessToken: new Secret('access'),
  accessTokenLifeMs: 3_600_000,
  kept: {},
  oddities: [],
  ...change,
});

function renewed(change: Partial<RenewalFacts> = {}) {
  const facts: RenewalFacts = {
    document: documentOf(plain),
    granted: granted(),
    versionId: 'v-new',
    versionOld: 'v-old',
    fingerprintOld: oldPrint,
    sealedAt,
    extendsLife: true,
    foreignSpender: false,
    ...change,
  };
  const text = renewDocument(facts, defaultFieldNames, fingerprint).reveal();
  return { text, json: JSON.parse(text) as Record<string, unknown>, own: documentOf(text).own };
}

describe('a renewed document', () => {
  it('holds the new tokens, when they came and from where, and all the customer had in it', () => {
    const { json, own } = renewed();
    expect(json).toMatchObject({
      provider: 'p',
      note: 'keep',
      refresh_token: 'new',
      access_token: 'access',
      expires_at: '2026-11-20T09:00:00.005Z',
      refreshed_at: '2026-11-20T08:00:00Z',
    });
    expect(own).toEqual({
      attempt: 'v-new',
      from: 'v-old',
      token: newPrint,
      spent: [oldPrint],
      extendedAt: sealedAt,
      firstSeenAt: Date.UTC(2026, 10, 1),
    });
  });

  it('is the same to the byte for everybody who makes it from the same facts', () => {
    expect(renewed().text).toBe(renewed().text);
  });

  it('keeps the consent’s scope: a refresh answer says less', () => {
    expect(renewed({ granted: granted({ scope: 'signature' }) }).json.scope).toBe('signature extended');
  });

  it('keeps the refresh token where the answer brings none, and does not call it spent', () => {
    const { refreshToken: _, ...silent } = granted();
    const { json, own } = renewed({ granted: silent });
    expect(json.refresh_token).toBe('old');
    expect(own).toMatchObject({ token: oldPrint, spent: [], extendedAt: sealedAt });
  });

  it('does not call a token spent that came back the same', () => {
    expect(renewed({ granted: granted({ refreshToken: new Secret('old') }) }).own.spent).toEqual([]);
  });

  it('leaves the old access token where the answer brings none', () => {
    const { accessToken: _, ...without } = granted();
    const document = documentOf({ ...plain, access_token: 'before', expires_at: 1_795_000_000 });
    expect(renewed({ document, granted: without }).json).toMatchObject({
      access_token: 'before',
      expires_at: 1_795_000_000,
    });
  });

  it('adds the spent token once, after those known', () => {
    const document = documentOf({ ...plain, pilotlight: { spent: [oldPrint, 'x'] } });
    expect(renewed({ document }).own.spent).toEqual(['x', oldPrint]);
  });

  it('does not claim an extension that was none, and keeps the last one there was', () => {
    const own = {
      extended_at: '2026-10-01T00:00:00.000Z',
      foreign_at: '2026-09-01T00:00:00.000Z',
      first_seen_at: '2025-01-01T00:00:00.000Z',
    };
    const document = documentOf({ ...plain, pilotlight: own });
    expect(renewed({ document, extendsLife: false }).own).toMatchObject({
      extendedAt: Date.UTC(2026, 9, 1),
      foreignAt: Date.UTC(2026, 8, 1),
      firstSeenAt: Date.UTC(2025, 0, 1),
    });
    expect(renewed({ document, foreignSpender: true }).own.foreignAt).toBe(sealedAt);
    expect(renewed({ extendsLife: false }).own.extendedAt).toBeUndefined();
  });

  it('notes the end the provider stated for the token, and forgets one stated for the token before', () => {
    expect(renewed({ granted: granted({ refreshTokenLifeMs: 86_400_000 }) }).own.refreshExpiresAt).toBe(
      sealedAt + 86_400_000,
    );
    const document = documentOf({ ...plain, pilotlight: { refresh_expires_at: '2026-12-01T00:00:00.000Z' } });
    expect(renewed({ document }).own.refreshExpiresAt).toBeUndefined();
  });

  it('takes what else the answer brought: type, access point, members to keep', () => {
    const more = { tokenType: 'Bearer', apiAccessPoint: 'https://api.eu1.test/', kept: { account_id: 'a-1' } };
    expect(renewed({ granted: granted(more) }).json).toMatchObject({
      token_type: 'Bearer',
      api_access_point: 'https://api.eu1.test/',
      account_id: 'a-1',
    });
  });

  it('prints no token', () => {
    const facts = renewDocument(
      {
        document: documentOf(plain),
        granted: granted(),
        versionId: 'v',
        versionOld: 'o',
        fingerprintOld: oldPrint,
        sealedAt,
        extendsLife: true,
        foreignSpender: false,
      },
      defaultFieldNames,
      fingerprint,
    );
    expect(`${facts} ${JSON.stringify({ facts })}`).not.toContain('new');
  });
});

describe('a renewed value', () => {
  it('is text where text was found and bytes where bytes were', () => {
    expect(valueLike({ text: new Secret('x') }, new Secret('y'))).toEqual({ text: new Secret('y') });
    expect(valueLike({ binary: Buffer.from('x') }, new Secret('ö'))).toEqual({ binary: Buffer.from('ö') });
  });

  it('is known to fit before the token is spent, with the longest tokens that are believed', () => {
    const ofSize = (bytes: number) => {
      const frame = JSON.stringify({ ...plain, note: '' });
      return documentOf({ ...plain, note: 'n'.repeat(bytes - Buffer.byteLength(frame)) });
    };
    const fits = (bytes: number) => answerWillFit(ofSize(bytes), providerFile('docusign'), defaultFieldNames);
    let largest = valueBytesMax - 2 * tokenBytesMax - 8_192;
    for (let step = 8_192; step >= 1; step /= 2) if (fits(largest + step)) largest += step;
    expect(fits(largest)).toBe(true);
    expect(largest).toBeLessThan(valueBytesMax - 2 * tokenBytesMax);
    expect(fits(largest + 500)).toBe(false);
    const document = ofSize(largest);
    const huge = granted({
      refreshToken: new Secret('r'.repeat(tokenBytesMax)),
      accessToken: new Secret('a'.repeat(tokenBytesMax)),
      tokenType: 'Bearer',
    });
    const { text } = renewed({ document, granted: huge, foreignSpender: true });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(valueBytesMax);
  });
});
