/**
 * The document a successful answer makes: a pure function of (old document, answer, ids, time of the seal), so that the
 * worker, its retry and another worker's recovery all write the same bytes.
 */

import type { Provider } from '../../config/provider.ts';
import { type ConnectionDocument, changeDocument, type FieldNames, spentMax } from '../connection/document.ts';
import type { Fingerprint } from '../connection/fingerprint.ts';
import { Secret } from '../runtime/secret.ts';
import type { Answer, SecretValue } from './ports.ts';
import { tokenBytesMax, valueBytesMax } from './settings.ts';

export type Granted = Extract<Answer, { kind: 'granted' }>;

export interface RenewalFacts {
  readonly document: ConnectionDocument;
  readonly granted: Granted;
  /** The version the text is to be written under. */
  readonly versionId: string;
  readonly versionOld: string;
  /** Fingerprint of the token that was posted. */
  readonly fingerprintOld: string;
  /** Time of the seal (epoch ms). */
  readonly sealedAt: number;
  /** Refreshing extends this connection's life, as far as known. */
  readonly extendsLife: boolean;
  readonly foreignSpender: boolean;
}

/** The new document's text. The scope is never taken from a refresh answer: it says less than the consent did. */
export function renewDocument(facts: RenewalFacts, names: FieldNames, fingerprint: Fingerprint): Secret {
  const { document, granted, sealedAt } = facts;
  const { own } = document;
  const newToken = granted.refreshToken;
  const replaced = newToken !== undefined && fingerprint(newToken) !== facts.fingerprintOld;
  const extendedAt = facts.extendsLife ? sealedAt : own.extendedAt;
  const refreshExpiresAt = granted.refreshTokenLifeMs === undefined ? undefined : sealedAt + granted.refreshTokenLifeMs;
  const foreignAt = facts.foreignSpender ? sealedAt : own.foreignAt;
  const text = changeDocument(
    document,
    {
      ...(newToken === undefined ? {} : { refreshToken: newToken }),
      ...(granted.accessToken === undefined
        ? {}
        : { accessToken: granted.accessToken, expiresAt: sealedAt + granted.accessTokenLifeMs }),
      ...(granted.tokenType === undefined ? {} : { tokenType: granted.tokenType }),
      ...(granted.apiAccessPoint === undefined ? {} : { apiAccessPoint: granted.apiAccessPoint }),
      refreshedAt: sealedAt,
      kept: granted.kept,
      own: {
        attempt: facts.versionId,
        from: facts.versionOld,
        token: newToken === undefined ? facts.fingerprintOld : fingerprint(newToken),
        spent: replaced
          ? [...own.spent.filter((known) => known !== facts.fingerprintOld), facts.fingerprintOld]
          : own.spent,
        ...(extendedAt === undefined ? {} : { extendedAt }),
        ...(refreshExpiresAt === undefined ? {} : { refreshExpiresAt }),
        ...(foreignAt === undefined ? {} : { foreignAt }),
        firstSeenAt: own.firstSeenAt ?? earliestSign(document, sealedAt),
      },
    },
    names,
  );
  return new Secret(text);
}

/** Kept from the first rotation on: later ones move every other instant, and with it what a missing consent date is guessed from. */
function earliestSign({ own, consentedAt, refreshedAt }: ConnectionDocument, sealedAt: number): number {
  return Math.min(own.extendedAt ?? sealedAt, consentedAt ?? sealedAt, refreshedAt ?? sealedAt, sealedAt);
}

/** The text in the form the secret was found in: customers who store bytes get bytes back. */
export function valueLike(found: SecretValue, text: Secret): SecretValue {
  return 'text' in found ? { text } : { binary: Buffer.from(text.reveal(), 'utf8') };
}

/** The longest member the answer's reader hands on. */
const keptBytesMax = 4_096;

/** Far more than everything we write beside tokens and kept members: instants, ids, fingerprints, the names of fields. */
const frameBytesMax = 8_192;

/** True where the largest believable answer would still fit: checked before the token is spent. */
export function answerWillFit(document: ConnectionDocument, provider: Provider, names: FieldNames): boolean {
  const sourceBytes = Buffer.byteLength(document.source.reveal());
  const { keep } = provider.answer;
  // Nearly every secret is so small that nothing need be tried out.
  const addedBytesMax = 2 * tokenBytesMax + keep.length * keptBytesMax + frameBytesMax;
  if (sourceBytes + addedBytesMax <= valueBytesMax) return true;
  const token = new Secret('x'.repeat(tokenBytesMax));
  const id = 'x'.repeat(64);
  const fingerprint = 'x'.repeat(12);
  const at = Date.UTC(9999, 11, 31);
  const text = changeDocument(
    document,
    {
      refreshToken: token,
      accessToken: token,
      tokenType: 'x'.repeat(32),
      expiresAt: at,
      refreshedAt: at,
      apiAccessPoint: 'x'.repeat(256),
      kept: Object.fromEntries(keep.map((name) => [name, 'x'.repeat(keptBytesMax)])),
      own: {
        attempt: id,
        from: id,
        token: fingerprint,
        spent: Array(spentMax).fill(fingerprint),
        extendedAt: at,
        refreshExpiresAt: at,
        foreignAt: at,
        firstSeenAt: at,
      },
    },
    names,
  );
  return Buffer.byteLength(text) <= valueBytesMax;
}
