/**
 * Secrets as customers keep them, and the catalogue of what else has been found in one, row by row (its numbers). `SENT` is
 * the refresh token, `ACCESS` the access token.
 */
import type { ProviderName } from '../../support/shipped-providers.ts';

export interface DocumentRow {
  readonly row: number | string;
  readonly text: string;
  /** Stored as bytes: what JSON cannot say. */
  readonly bytes?: Buffer;
}

const facts: Readonly<Record<ProviderName, string>> = {
  docusign: '"environment":"production","scope":"signature extended"',
  'adobe-acrobat-sign': '"environment":"production","api_access_point":"https://api.eu1.adobesign.com/"',
  'adobe-acrobat-sign-gov': '"environment":"production"',
  esignglobal: '"environment":"production","data_center":"as1"',
  oauth2: '"environment":"production"',
};

/** What an application stored after a consent; `more` are members of the customer's. */
export function goodDocument(provider: ProviderName, more = ''): string {
  const last = more === '' ? '' : `,${more}`;
  return `{"provider":"${provider}","client":"main",${facts[provider]},"refresh_token":"SENT","access_token":"ACCESS","token_type":"Bearer","expires_at":"2026-10-01T16:00:00Z","consented_at":"2026-09-01T08:00:00Z","refreshed_at":"2026-10-01T08:00:00Z"${last}}`;
}

/** Members no rule of ours knows, spelled as no printer would spell them. */
export const customersOwn = [
  '',
  '"tenant":"Ac\\u006de","weight":1.50,"big":12345678901234567890,"exp":1E+2,"list":[ 1,2 ,3],"nested":{"refresh_token":"theirs","a":{}}',
  '"Notes":"line\\nbreak \\u2028 \\ud83d\\ude00","empty":{},"none":null,"html":"<\\/script>"',
  '"pilotlight":{"attempt":"5ac0d1d5-2a39-4f4c-9c42-9f0f6f1f8d5a","from":"v0","token":"0123456789ab","spent":["aaaaaaaaaaaa"],"extended_at":"2026-10-01T08:00:00.000Z","team":"ours"}',
  '"pilotlight":null,"pilotlight_notes":"hands off"',
  '"accessToken":"not-ours","x":-0,"y":0.10000000000000000001',
] as const;

const whole = goodDocument('docusign', '"tenant":"Acme"');
const pretty = (text: string, eol = '\n', indent = '  ') =>
  `${JSON.stringify(JSON.parse(text), null, indent).replaceAll('\n', eol)}${eol}`;
const doc = (row: number | string, text: string): DocumentRow => ({ row, text });

export const documentRows: readonly DocumentRow[] = [
  doc('good', whole),
  doc('pretty', pretty(goodDocument('docusign', customersOwn[1]))),
  doc('tabs', pretty(goodDocument('oauth2', customersOwn[2]), '\r\n', '\t')),
  doc('adobe', goodDocument('adobe-acrobat-sign', customersOwn[3])),
  doc('gov', goodDocument('adobe-acrobat-sign-gov')),
  doc('esignglobal', goodDocument('esignglobal', customersOwn[4])),
  doc('minimal', '{"provider":"oauth2","client":"main","refresh_token":"SENT"}'),
  doc(
    'camel',
    whole.replaceAll(
      /"([a-z]+)_([a-z])([a-z]*)":/g,
      (_, a: string, b: string, c: string) => `"${a}${b.toUpperCase()}${c}":`,
    ),
  ),
  doc(70, '"SENT"'),
  doc(70, '["SENT"]'),
  doc(70, 'null'),
  doc(70, 'refresh_token: SENT'),
  doc(70, ''),
  doc(71, '{"refresh_token":"SENT"}'),
  doc(71, '{"provider":"docusign","client":"main","environment":"production"}'),
  doc(72, whole.replace('SENT', ' ')),
  doc(72, whole.replace('SENT', '<refresh_token>')),
  doc(72, whole.replace('"SENT"', 'null')),
  doc(73, goodDocument('docusign', customersOwn[1])),
  doc(74, whole.replace('refresh_token', 'RefreshToken')),
  doc(74, whole.replace('"refresh_token"', '"refreshToken":"OTHER","Refresh-Token"')),
  doc(75, `${whole}\u0000`),
  doc(76, `\ufeff${whole}\r\n`),
  doc(77, whole.replace('{', '{"refresh_token":"OTHER",')),
  doc(77, whole.replace('{', '{"__proto__":{"client":"evil"},')),
  doc(77, goodDocument('docusign', '"a":{"b":1,"b":2}')),
  doc(78, goodDocument('docusign', `"padding":"${'x'.repeat(46_000)}"`)),
  doc(78, goodDocument('docusign', `"padding":"${'x'.repeat(64_800)}"`)),
  doc(89, goodDocument('adobe-acrobat-sign').replace('api.eu1.adobesign.com', '169.254.169.254')),
  doc(89, goodDocument('esignglobal').replace('as1', 'as1.evil.example/')),
  doc(90, whole.replace('production', 'constructor')),
  doc(
    93,
    whole
      .replace('2026-10-01T16:00:00Z', '9999-12-31T23:59:59Z')
      .replace('2026-10-01T08:00:00Z', '+275760-09-13T00:00:00Z'),
  ),
  doc(93, whole.replace('"2026-10-01T08:00:00Z"', '1e308').replace('"2026-10-01T16:00:00Z"', '-1')),
  doc(93, whole.replace('"2026-10-01T08:00:00Z"', '1759305600').replace('"2026-10-01T16:00:00Z"', '"1759334400000"')),
  doc('deep', goodDocument('docusign', `"deep":${'['.repeat(5_000)}${']'.repeat(5_000)}`)),
  doc('deepish', goodDocument('docusign', `"deep":${'{"a":'.repeat(62)}1${'}'.repeat(62)}`)),
  doc('own', goodDocument('docusign', '"pilotlight":"theirs"')),
  doc(
    'own',
    goodDocument(
      'docusign',
      '"pilotlight":{"spent":"x","extended_at":1e999,"refresh_expires_at":-1,"first_seen_at":{}}',
    ),
  ),
];
