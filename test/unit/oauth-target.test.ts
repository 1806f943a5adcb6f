/** Where a request may go: the allow-lists, and the tricks that are played with URLs. */
import { describe, expect, test } from 'vitest';
import { checkAccessPoint, requireTarget, resolveTarget, tokenHost } from '../../src/oauth/target.ts';
import { providerFile } from '../support/provider-files.ts';

const adobe = providerFile('adobe-acrobat-sign');

describe('an access point', () => {
  test.each([
    'https://api.na1.adobesign.com/',
    'https://api.na1.adobesign.com',
    'https://API.NA1.AdobeSign.com/',
    ' https://api.na1.adobesign.com/ ',
    'https://api.na1.adobesign.com:443/',
    'https://api.na1.adobesign.com/some/path?and=query#hash',
  ])('%j is taken for its origin alone', (text) => {
    expect(checkAccessPoint(adobe, text)).toEqual({ ok: true, url: 'https://api.na1.adobesign.com/' });
  });

  test.each([
    '',
    'api.na1.adobesign.com',
    'http://api.na1.adobesign.com/',
    'ftp://api.na1.adobesign.com/',
    'https://api.na1.adobesign.com:8443/',
    'https://api.na1.adobesign.com./',
    'https://api.na1.adobesign.com@evil.example/',
    'https://user:pw@api.na1.adobesign.com/',
    'https://user@api.na1.adobesign.com/',
    'https://api.na1.adobesign.com.evil.example/',
    'https://api.na1.adobesign.com%2eevil.example/',
    'https://evil-adobesign.com/',
    'https://evil.example/api.na1.adobesign.com',
    'https://evil.example#.adobesign.com',
    'https://evil.example\\.adobesign.com',
    'https:\\\\api.na1.adobesign.com',
    'https://api.na1.ado\nbesign.com/',
    'https://api.na1.adobesign.com/\u0000',
    'https://аpi.na1.adobesign.com/',
    'https://adobesign.com/',
    'https://api.na1.adobesign.us/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://169.254.169.254/',
    'https://2130706433/',
    `https://${'a'.repeat(300)}.na1.adobesign.com/`,
  ])('%j is refused', (text) => {
    expect(checkAccessPoint(adobe, text)).toMatchObject({ ok: false });
    expect(tokenHost(adobe, 'production', { apiAccessPoint: text })).toEqual({ problem: 'host_not_allowed' });
    expect(() => requireTarget(adobe, 'production', 'tokenUrl', { apiAccessPoint: text })).toThrow(
      expect.objectContaining({ code: 'refused' }),
    );
  });

  test('never appears in the message that refuses it', () => {
    const target = resolveTarget(adobe, 'production', 'tokenUrl', { apiAccessPoint: 'https://evil.example/' });
    expect(target.ok ? '' : target.message).toMatch(/allow-list/);
    expect(target.ok ? '' : target.message).not.toContain('evil');
  });

  test('of a provider without allow-list is refused', () => {
    expect(checkAccessPoint(providerFile('oauth2'), 'https://api.na1.adobesign.com/')).toMatchObject({ ok: false });
  });
});

describe('the token host', () => {
  test.each([
    ['docusign', 'production', {}, 'account.docusign.com'],
    ['docusign', 'demo', {}, 'account-d.docusign.com'],
    ['adobe-acrobat-sign', 'production', { apiAccessPoint: 'https://api.eu1.echosign.com/' }, 'api.eu1.echosign.com'],
    ['adobe-acrobat-sign-gov', 'production', {}, 'secure.na1.adobesign.us'],
    ['esignglobal', 'production', { dataCenter: 'eu1' }, 'openapi-eu1.esignglobal.com'],
    ['esignglobal', 'sandbox', {}, 'openapi-sml.esignglobal.com'],
  ] as const)('of %s in %s is known before any request', (name, environment, facts, host) => {
    expect(tokenHost(providerFile(name), environment, facts)).toEqual({ host });
  });

  test.each([
    'staging',
    '',
    'constructor',
    '__proto__',
    'toString',
  ])('of the environment %j is unknown', (environment) => {
    expect(tokenHost(providerFile('docusign'), environment, {})).toEqual({ problem: 'environment_unknown' });
  });

  test.each([
    'evil',
    '',
    'as1.evil.example/',
    'AS1',
    undefined,
  ])('of the data centre %j is not allowed', (dataCenter) => {
    const facts = dataCenter === undefined ? {} : { dataCenter };
    expect(tokenHost(providerFile('esignglobal'), 'production', facts)).toEqual({ problem: 'host_not_allowed' });
  });

  test('is not that of the revocation endpoint a provider does not have', () => {
    expect(resolveTarget(providerFile('docusign'), 'production', 'revocationUrl', {})).toMatchObject({ ok: false });
  });
});

test.each([
  'http://127.0.0.1:8080/token',
  'http://localhost/token',
  'http://[::1]:9/token',
  'https://idp.example:8443/token',
])('a provider file may name %s', (tokenUrl) => {
  const provider = providerFile('oauth2', { environments: { production: { tokenUrl } } });
  expect(tokenHost(provider, 'production', {})).toEqual({ host: new URL(tokenUrl).hostname });
});

test.each([
  'http://idp.example/token',
  'http://127.0.0.1.evil.example/token',
  'http://localhost@evil.example/token',
  'ftp://idp.example/',
  'idp.example/token',
  'https://{api_access_point}/token',
  '{api_access_point}oauth/{data_center}',
])('a provider file may not name %s', (tokenUrl) => {
  expect(() => providerFile('oauth2', { environments: { production: { tokenUrl } } })).toThrow();
});

test('user information or an unknown placeholder in a provider file is refused before anything is sent', () => {
  for (const tokenUrl of ['https://user:pw@idp.example/token', 'https://{tenant}.idp.example/token']) {
    const provider = providerFile('oauth2', { environments: { production: { tokenUrl } } });
    expect(tokenHost(provider, 'production', {})).toEqual({ problem: 'host_not_allowed' });
  }
});
