/**
 * The documents a new grant makes, and whether its account may take the connection over. Pure: what the customer wrote
 * beside it survives byte for byte, and the token that was there is known to be spent.
 */
import type { Provider } from '../../config/provider.ts';
import { type ConnectionDocument, changeDocument, type FieldNames } from '../connection/document.ts';
import type { Fingerprint } from '../connection/fingerprint.ts';
import { writeInstant } from '../connection/instant.ts';
import { editJson } from '../connection/json-edit.ts';
import { Secret } from '../runtime/secret.ts';
import type { NewGrant, StartedConsent } from './ports.ts';

export interface GrantFacts {
  readonly grant: NewGrant;
  readonly provider: Provider;
  /** What was asked for: what counts unless the provider's own word can be believed. */
  readonly scope: string;
  /** When the provider granted it (epoch ms, calendar). */
  readonly grantedAt: number;
  readonly accountField: string;
}

/** The connection's document with the new grant in it, to be written as `versionId` over `from`. */
export function consentedDocument(
  facts: GrantFacts,
  base: { readonly document: ConnectionDocument; readonly versionId: string; readonly from: string },
  names: FieldNames,
  fingerprint: Fingerprint,
): Secret {
  const { grant, grantedAt, accountField } = facts;
  const { document, versionId, from } = base;
  const token = fingerprint(grant.refreshToken);
  const before = document.refreshToken === undefined ? [] : [fingerprint(document.refreshToken)];
  const spent = [...new Set([...document.own.spent, ...before])].filter((known) => known !== token);
  const changed = changeDocument(
    document,
    {
      ...membersOf(facts),
      ...(grant.account === undefined ? {} : { kept: { [accountField]: grant.account } }),
      // Nothing else of the section is carried over: it told of the grant before.
      own: { attempt: versionId, from, token, spent, extendedAt: grantedAt, firstSeenAt: grantedAt },
    },
    names,
  );
  return new Secret(withInstant(changed, names.consentedAt, grantedAt));
}

/** The first document of a connection. */
export function firstDocument(
  facts: GrantFacts,
  {
    provider,
    environment,
    client,
    dataCenter,
  }: Pick<StartedConsent, 'provider' | 'environment' | 'client' | 'dataCenter'>,
  names: FieldNames,
): Secret {
  const { grant, grantedAt, accountField } = facts;
  const { refreshToken, accessToken, tokenType, expiresAt, scope, apiAccessPoint } = membersOf(facts);
  const instant = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
  const members: readonly (readonly [name: string, value: string | undefined])[] = [
    [names.provider, provider],
    [names.environment, environment],
    [names.client, client],
    [names.dataCenter, dataCenter],
    [names.refreshToken, refreshToken.reveal()],
    [names.accessToken, accessToken?.reveal()],
    [names.tokenType, tokenType],
    [names.expiresAt, instant(expiresAt)],
    [names.scope, scope],
    [names.consentedAt, instant(grantedAt)],
    [names.refreshedAt, instant(grantedAt)],
    [names.apiAccessPoint, apiAccessPoint],
    [accountField, grant.account],
  ];
  const json = editJson('{}');
  for (const [name, value] of members) if (value !== undefined) json.set(name, value);
  return new Secret(json.text());
}

function membersOf({ grant, provider, scope, grantedAt }: GrantFacts) {
  const lifeMs = Math.min(grant.expiresInMs ?? provider.accessToken.life, provider.accessToken.lifeMax);
  const granted = grant.scope ?? (scope === '' ? undefined : scope);
  return {
    refreshToken: grant.refreshToken,
    refreshedAt: grantedAt,
    ...(grant.accessToken === undefined ? {} : { accessToken: grant.accessToken, expiresAt: grantedAt + lifeMs }),
    ...(grant.tokenType === undefined ? {} : { tokenType: grant.tokenType }),
    ...(granted === undefined ? {} : { scope: granted }),
    ...(grant.apiAccessPoint === undefined ? {} : { apiAccessPoint: grant.apiAccessPoint }),
  };
}

function withInstant(text: string, name: string, at: number): string {
  const bom = text.startsWith('\ufeff') ? '\ufeff' : '';
  const json = editJson(text.slice(bom.length));
  json.set(name, writeInstant(at, json.valueOf(name)));
  return bom + json.text();
}

/** How the account that consented stands to the one the connection had; `unknown` where either says nothing. */
export function compareAccounts(had: string | undefined, granted: string | undefined): 'same' | 'changed' | 'unknown' {
  if (had === undefined || granted === undefined) return 'unknown';
  return had.trim().toLowerCase() === granted.trim().toLowerCase() ? 'same' : 'changed';
}
