/** Providers: shipped files, changes to them, whole new ones, and what no provider file may say. */
import { describe, expect, test } from 'vitest';
import { accepted, load, refused } from '../support/load-config.ts';

const dayMs = 86_400_000;
const acme = `
environments: { production: { tokenUrl: "https://acme.example/token" } }
request: { clientAuth: basic, body: form }
lifetimes: [{ idle: 10d }]
`;
const problemsOf = (change: string) =>
  refused({ yaml: `providers:\n  docusign: ${change}` }).map((line) => line.replace(/^\S+: /, ''));

describe('a provider', () => {
  test('is changed key by key; lists are replaced and null takes a key away', () => {
    const before = accepted().providers.docusign;
    const after = accepted({
      yaml: 'providers: { docusign: { refreshEvery: 9d, limits: { perSecond: 3 }, lifetimes: [{ idle: 20d }], accessToken: { life: null } } }',
    }).providers.docusign;
    expect(after).toMatchObject({
      refreshEvery: 9 * dayMs,
      limits: { perSecond: 3, throttleScope: before?.limits.throttleScope },
    });
    expect(after?.lifetimes).toEqual([{ idle: 20 * dayMs }]);
    expect(after?.accessToken).toEqual({ ...before?.accessToken, life: 3_600_000 });
    expect(after?.environments).toEqual(before?.environments);
  });

  test('can be new, from the configuration alone; its key is its name', () => {
    const { providers } = accepted({ yaml: `providers:\n  acme:\n${acme.replaceAll(/^(?=\S)/gm, '    ')}` });
    expect(providers.acme).toMatchObject({
      name: 'acme',
      title: 'acme',
      keep: 'refresh-token',
      lifetimes: [{ idle: 10 * dayMs }],
    });
  });

  test('can be new, from a file in providersDir, and be changed by the configuration', () => {
    const yaml = 'providersDir: extra\nproviders: { acme: { title: Acme } }';
    const given = {
      yaml,
      files: { '/srv/extra/acme.yaml': acme, '/srv/extra/..data': 'EISDIR', '/srv/extra/README.md': 'x' },
    };
    expect(accepted(given).providers.acme).toMatchObject({ name: 'acme', title: 'Acme' });
    const result = load(given);
    expect(result.ok && result.sources.filter((source) => source.startsWith('/srv/extra'))).toEqual([
      '/srv/extra/acme.yaml',
    ]);
  });

  test('of providersDir is merged over the shipped one of the same name', () => {
    const given = { yaml: 'providersDir: /extra', files: { '/extra/docusign.yml': 'refreshEvery: 8d' } };
    expect(accepted(given).providers.docusign).toMatchObject({ title: 'DocuSign eSignature', refreshEvery: 8 * dayMs });
  });

  test('says what is kept alive, else the configuration does', () => {
    const { providers } = accepted({ yaml: 'keep: access-token\nproviders: { docusign: { keep: refresh-token } }' });
    expect([providers.docusign?.keep, providers.esignglobal?.keep]).toEqual(['refresh-token', 'access-token']);
  });
});

describe('a problem is reported where it was written', () => {
  test('in the file of providersDir, in the configuration, or in both', () => {
    const yaml = 'providersDir: /extra\nproviders:\n  acme:\n    limits:\n      perSecond: -1\n';
    expect(refused({ yaml, files: { '/extra/acme.yaml': `${acme}\nkeep: maybe` } })).toEqual([
      '/etc/pilotlight.yaml:5: providers.acme.limits.perSecond must be at least 0.01',
      '/extra/acme.yaml:6: keep must be one of refresh-token, access-token',
    ]);
  });

  test('a mistyped name of a shipped provider is one problem, not a page of missing keys', () => {
    expect(refused({ yaml: 'providers:\n  docusing: { refreshEvery: 9d }' })).toEqual([
      '/etc/pilotlight.yaml:2: providers.docusing is no provider; did you mean docusign?',
    ]);
  });

  test('a broken file stands for itself: nobody is told that its provider does not exist', () => {
    const yaml =
      'providersDir: /extra\nclients: { a: { provider: acme, secret: b } }\nproviders: { acme: { title: x } }';
    expect(refused({ yaml, files: { '/extra/acme.yaml': 'a: [' } })).toEqual([
      expect.stringMatching(/^\/extra\/acme\.yaml:\d: /),
    ]);
    expect(refused({ yaml, files: { '/extra/acme.yaml': '# nothing' } })).toEqual([
      '/extra/acme.yaml: must hold keys and values; copy config/providers/oauth2.yaml and change it',
    ]);
  });

  test.for([
    ['/nowhere', 'does not exist'],
    ['/etc/passwd', 'is a file, not a folder'],
  ])('a providersDir of %s', ([folder, message]) => {
    expect(refused({ yaml: `role: all\nprovidersDir: ${folder}` })).toEqual([
      `/etc/pilotlight.yaml:2: providersDir ${message}`,
    ]);
  });

  test('a name that is not that of its file', () => {
    expect(refused({ yaml: 'providersDir: /extra', files: { '/extra/acme.yaml': `name: other\n${acme}` } })).toEqual([
      '/extra/acme.yaml:1: name must be acme, as the file or key is called',
    ]);
    expect(refused({ yaml: 'providersDir: /extra', files: { '/extra/Acme.yaml': acme } })).toEqual([
      expect.stringContaining('name must be lower-case letters'),
    ]);
  });
});

describe('lifetimes', () => {
  test.for([
    [
      '[{}]',
      'lifetimes.0 has no clock: such connections would never be refreshed nor warned about; give idle or absolute, or set keep: access-token',
    ],
    [
      '[{ idle: 3d }, { when: { scopeUnknown: true }, idle: 2d }]',
      'lifetimes.1 can never apply; move the rule without `when` to the end',
    ],
    [
      '[{ when: { scopeIncludes: a }, idle: 3d }]',
      'lifetimes leave some scopes without a rule; end the list with a rule without `when`, or with one for scopeLacks and one for scopeUnknown',
    ],
    [
      '[{ when: { scopeIncludes: a }, idle: 3d }, { when: { scopeLacks: b }, idle: 3d }, { when: { scopeUnknown: true }, idle: 3d }]',
      /^providers\.docusign\.lifetimes leave some scopes/,
    ],
    ['[]', 'lifetimes must have a length of at least 1'],
  ] as const)('%s is refused', ([lifetimes, problem]) => {
    const expected = typeof problem === 'string' ? `providers.docusign.${problem}` : expect.stringMatching(problem);
    expect(problemsOf(`{ lifetimes: ${lifetimes} }`)).toEqual([expected]);
  });

  test('without a clock are accepted where the access token is kept alive', () => {
    expect(problemsOf('{ lifetimes: [{}], keep: access-token }')).toEqual([]);
  });

  test.for(['30d', '31d'])('a connection with an idle window of 30 days is not refreshed every %s', (every) => {
    expect(problemsOf(`{ refreshEvery: ${every} }`)).toEqual([
      'providers.docusign.refreshEvery must be shorter than the idle window of 30d: the connection would be dead by then; leave it out to refresh after a third of the window',
    ]);
  });
});

describe('where tokens are sent', () => {
  const url = (tokenUrl: string) => problemsOf(`{ environments: { production: { tokenUrl: "${tokenUrl}" } } }`);

  test.for([
    'https://host.example/token',
    'http://127.0.0.1:9000/token',
    'http://localhost/token',
  ])('%s is accepted', (tokenUrl) => expect(url(tokenUrl)).toEqual([]));

  test.for([
    ['http://host.example/token', /must start with https/],
    ['https://user:pw@host.example/token', /is not a usable URL/],
    ['https://host.example/token#x', /is not a usable URL/],
    ['https://', /is not a usable URL/],
    ['{api_access_point}token', /accessPoints allows no host/],
    ['https://{data_center}.example/token', /dataCenters is empty/],
    ['https://{host}/token', /placeholder that does not exist; there are \{api_access_point\} and \{data_center\}/],
  ] as const)('%s is refused', ([tokenUrl, problem]) => {
    const found = url(tokenUrl);
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toMatch(problem);
  });

  test.for([
    '.*',
    '.+',
    '[a-z0-9.-]+',
    '.*example',
    '(api|.*)\\\\.example',
    'api.|localhost',
    '169\\\\.254\\\\..*',
  ])('the access point pattern %s would send them to anybody', (pattern) => {
    expect(problemsOf(`{ accessPoints: ["${pattern}"] }`)).toEqual([
      expect.stringMatching(/accessPoints\.0 accepts hosts of anybody/),
    ]);
  });

  test('a pattern of the provider’s own domain is accepted, a broken one is not', () => {
    expect(problemsOf('{ accessPoints: ["api\\\\.[a-z]{2}[0-9]\\\\.acme\\\\.example"] }')).toEqual([]);
    expect(problemsOf('{ accessPoints: ["("] }')).toEqual([
      'providers.docusign.accessPoints.0 must be a regular expression',
    ]);
  });

  test('a provider without environments is refused', () => {
    expect(problemsOf('{ environments: { production: null, demo: null } }')).toEqual([
      'providers.docusign.environments names no environment; add production with its tokenUrl',
    ]);
  });
});

describe('other things no provider file may say', () => {
  test.for([
    ['{ errors: [{ means: grant }] }', /errors\.0 matches every answer/],
    ['{ errors: [{ description: "(", means: grant }] }', /errors\.0\.description must be a regular expression/],
    ['{ errors: [{ error: [x], means: dead }] }', /errors\.0\.means must be one of grant, client/],
    ['{ accessToken: { life: 2d, lifeMax: 1d } }', /accessToken\.life must not exceed lifeMax/],
    ['{ request: { headers: { "x y": z } } }', /headers\.x y cannot be sent as a header/],
    ['{ request: { headers: { x: "a\\r\\nb" } } }', /headers\.x cannot be sent as a header/],
    ['{ request: { headers: { Cookie: a } } }', /headers\.Cookie would hold a credential/],
    [
      '{ revocation: { parameters: { refresh_token: a } } }',
      /revocation\.parameters\.refresh_token would hold a credential/,
    ],
    ['{ secondTry: sometimes }', /secondTry is none of the forms it may have/],
    ['{ limits: { perSecond: 0 } }', /limits\.perSecond must be at least 0\.01/],
  ] as const)('%s', ([change, problem]) => expect(problemsOf(change)).toEqual([expect.stringMatching(problem)]));
});
