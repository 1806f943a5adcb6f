/** What a provider file may say about consenting again, and what the shipped ones do say. */
import { describe, expect, test } from 'vitest';
import { accepted, refused } from '../support/load-config.ts';
import { providerFile, providerNames } from '../support/provider-files.ts';

const shipped = ['docusign', 'adobe-acrobat-sign', 'adobe-acrobat-sign-gov', 'esignglobal'] as const;
const minute = 60_000;

/** Problems of a configuration that changes DocuSign's section. */
const problemsOf = (change: string) =>
  refused({ yaml: `providers:\n  docusign:\n    authorization: ${change}` }).map((line) => line.replace(/^\S+: /, ''));

describe('the shipped files', () => {
  test.for(shipped)('%s has a consent page for each environment', (name) => {
    const file = providerFile(name);
    expect(Object.keys(file.authorization?.environments ?? {})).toEqual(Object.keys(file.environments));
    for (const { authorizationUrl } of Object.values(file.authorization?.environments ?? {}))
      expect(authorizationUrl).toMatch(/^https:\/\/(?:account|secure)[a-z0-9.-]*\.(?:com|us)\//);
  });

  test('ask for what brings a refresh token that lives', () => {
    expect(shipped.map((name) => providerFile(name).authorization?.scope)).toEqual([
      'signature extended',
      '',
      'offline_access',
      'signature',
    ]);
  });

  test('prove the exchange where the provider knows how, and no code is believed longer than RFC 6749 recommends', () => {
    expect(shipped.map((name) => providerFile(name).authorization?.pkce)).toEqual(['S256', 'none', 'none', 'none']);
    expect(shipped.map((name) => providerFile(name).authorization?.codeLife)).toEqual([
      2 * minute,
      5 * minute,
      5 * minute,
      10 * minute,
    ]);
  });

  test('a template is offered to nobody: its page is at a host that cannot exist', () => {
    expect(providerFile('oauth2').authorization).toBeUndefined();
  });

  test('pass the checks of a whole configuration', () => {
    const { providers } = accepted();
    for (const name of providerNames)
      expect(providers[name]?.authorization === undefined, name).toBe(name === 'oauth2');
  });
});

describe('an installation', () => {
  test('may take the section away', () => {
    expect(
      accepted({ yaml: 'providers: { docusign: { authorization: null } }' }).providers.docusign,
    ).not.toHaveProperty('authorization');
  });

  test('may take an environment away without touching its consent page', () => {
    expect(refused({ yaml: 'providers: { docusign: { environments: { demo: null } } }' })).toEqual([]);
  });

  test('may give a provider of its own one, with careful defaults', () => {
    const yaml = `providers:
  acme:
    environments: { production: { tokenUrl: "https://acme.example/token" } }
    request: { clientAuth: basic, body: form }
    lifetimes: [{ idle: 10d }]
    authorization: { environments: { production: { authorizationUrl: "https://acme.example/authorize" } } }`;
    expect(accepted({ yaml }).providers.acme?.authorization).toEqual({
      environments: { production: { authorizationUrl: 'https://acme.example/authorize' } },
      scope: '',
      pkce: 'S256',
      codeLife: 10 * minute,
      parameters: {},
      names: { clientId: 'client_id', redirectUri: 'redirect_uri' },
      sendRedirectUri: true,
      account: 'none',
    });
  });
});

describe('what no file may say', () => {
  test.for([
    ['{ pcke: S256 }', /pcke.*did you mean pkce/],
    ['{ pkce: plain }', /authorization\.pkce must be one of S256, none/],
    ['{ scope: "a  b" }', /authorization\.scope must be words with one space between them/],
    ['{ scope: "a\\"b" }', /authorization\.scope must be words/],
    ['{ scope: " a" }', /authorization\.scope must be words/],
    ['{ codeLife: 1s }', /authorization\.codeLife/],
    ['{ codeLife: 2d }', /authorization\.codeLife/],
    ['{ account: { field: "a..b" } }', /authorization\.account/],
    ['{ account: sub }', /authorization\.account/],
    ['{ environments: { production: { authorizationUrl: "http://evil.example/" } } }', /must start with https/],
    ['{ environments: { production: { authorizationUrl: "javascript:alert(1)" } } }', /must start with https/],
    ['{ environments: { production: { authorizationUrl: "https://a:b@c.example/" } } }', /is not a usable URL/],
    ['{ environments: { production: { authorizationUrl: "https://c.example/#x" } } }', /is not a usable URL/],
    ['{ environments: { production: { tokenUrl: "{api_access_point}token" } } }', /accessPoints allows no host/],
    ['{ environments: { production: { tokenUrl: "https://{host}/token" } } }', /placeholder that does not exist/],
    ['{ environments: { production: { userinfoUrl: null } } }', /userinfoUrl is missing, and account needs it/],
    ['{ environments: { production: null, demo: null } }', /names no environment; add one with its authorizationUrl/],
    [
      '{ environments: { production: null, prodution: { authorizationUrl: "https://c.example/", userinfoUrl: "https://c.example/" } } }',
      /environments\.prodution is no environment of the provider; did you mean production\?/,
    ],
    ['{ parameters: { state: x } }', /authorization\.parameters\.state is set for each request/],
    ['{ parameters: { code_challenge_method: plain } }', /is set for each request/],
    ['{ parameters: { client_id: x } }', /is set for each request/],
    ['{ parameters: { client_secret: x } }', /authorization\.parameters\.client_secret would hold a credential/],
  ] as const)('%s', ([change, problem]) => {
    const found = problemsOf(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(problem);
  });
});
