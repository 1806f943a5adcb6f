/**
 * The document a successful answer makes: a pure function of (old document, answer, ids, time of the seal), so that the
 * worker, its retry and another worker's recovery all write the same bytes.
 */

import type { Provider } from '../../config/provider.ts';
import { type ConnectionDocument, changeDocument, type FieldNames } from '../connection/document.ts';
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

/** True where the largest believable answer would still fit: checked before the token is spent. */
export function answerWillFit(document: ConnectionDocument, provider: Provider): boolean {
  // Our own section, and the members the provider file says to keep.
  const ownBytes = 2_048 + provider.answer.keep.length * keptBytesMax;
  return (
    Buffer.byteLength(document.source.reveal()) +
      2 * tokenBytesMax +
      ownBytes -
      Buffer.byteLength(document.refreshToken?.reveal() ?? '') <=
    valueBytesMax
  );
}
