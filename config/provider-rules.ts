/**
 * What must hold within one provider file beyond its types: every scope finds a lifetime, every placeholder can be
 * filled, no pattern lets a token out to any host, and nothing in it is a credential.
 */
import { didYouMean } from './did-you-mean.ts';
import { formatDuration } from './duration.ts';
import type { Finding } from './problem.ts';
import type { Provider } from './provider.ts';
import type { Keep } from './schema.ts';

/** Contradictions within a provider; paths start at the provider. */
export function providerFindings(provider: Provider, keep: Keep): Finding[] {
  return [
    ...lifetimes(provider, keep),
    ...refreshEvery(provider),
    ...endpoints(provider),
    ...accessPoints(provider),
    ...authorization(provider),
    ...others(provider),
  ];
}

function lifetimes({ lifetimes: rules }: Provider, keep: Keep): Finding[] {
  const findings: Finding[] = [];
  const always = rules.findIndex(({ when }) => when === undefined || Object.keys(when).length === 0);
  if (always !== -1 && always < rules.length - 1) {
    findings.push({
      path: ['lifetimes', always + 1],
      message: 'can never apply',
      fix: 'move the rule without `when` to the end',
    });
  }
  if (always === -1 && !coversEveryScope(rules)) {
    const fix = 'end the list with a rule without `when`, or with one for scopeLacks and one for scopeUnknown';
    findings.push({ path: ['lifetimes'], message: 'leave some scopes without a rule', fix });
  }
  for (const [index, { idle, absolute }] of rules.entries()) {
    if (idle !== undefined || absolute !== undefined || keep === 'access-token') continue;
    const fix = 'give idle or absolute, or set keep: access-token';
    findings.push({
      path: ['lifetimes', index],
      message: 'has no clock: such connections would never be refreshed nor warned about',
      fix,
    });
  }
  return findings;
}

/** A word's rules for "has it" and "lacks it", and one for an unknown scope. */
function coversEveryScope(rules: Provider['lifetimes']): boolean {
  const only = (key: 'scopeIncludes' | 'scopeLacks') =>
    rules.flatMap(({ when = {} }) => (Object.keys(when).length === 1 && when[key] !== undefined ? [when[key]] : []));
  const unknown = rules.some(({ when = {} }) => Object.keys(when).length === 1 && when.scopeUnknown === true);
  return unknown && only('scopeLacks').some((word) => only('scopeIncludes').includes(word));
}

function refreshEvery({ refreshEvery: every, lifetimes: rules }: Provider): Finding[] {
  const shortest = Math.min(...rules.map(({ idle }) => idle ?? Number.POSITIVE_INFINITY));
  if (every === undefined || every < shortest) return [];
  const message = `must be shorter than the idle window of ${formatDuration(shortest)}: the connection would be dead by then`;
  return [{ path: ['refreshEvery'], message, fix: 'leave it out to refresh after a third of the window' }];
}

function endpoints(provider: Provider): Finding[] {
  const entries = Object.entries(provider.environments);
  if (entries.length === 0)
    return [{ path: ['environments'], message: 'names no environment', fix: 'add production with its tokenUrl' }];
  return entries.flatMap(([name, { tokenUrl, revocationUrl }]) => [
    ...url(provider, ['environments', name, 'tokenUrl'], tokenUrl),
    ...(revocationUrl === undefined ? [] : url(provider, ['environments', name, 'revocationUrl'], revocationUrl)),
  ]);
}

function url({ accessPoints: patterns, dataCenters }: Provider, path: PropertyKey[], template: string): Finding[] {
  const findings: Finding[] = [];
  for (const [, placeholder] of template.matchAll(/\{([^}]*)\}/g)) {
    if (placeholder === 'api_access_point') {
      if (patterns.length === 0)
        findings.push({
          path,
          message: 'uses {api_access_point}, but accessPoints allows no host',
          fix: 'list the hosts in accessPoints',
        });
    } else if (placeholder === 'data_center') {
      if (dataCenters.length === 0)
        findings.push({
          path,
          message: 'uses {data_center}, but dataCenters is empty',
          fix: 'list the data centres in dataCenters',
        });
    } else
      findings.push({
        path,
        message: 'uses a placeholder that does not exist',
        fix: 'there are {api_access_point} and {data_center}',
      });
  }
  const filled = template.replaceAll('{api_access_point}', 'https://host.invalid/').replaceAll('{data_center}', 'dc');
  const parsed = URL.canParse(filled) ? new URL(filled) : undefined;
  if (parsed === undefined || parsed.username !== '' || parsed.password !== '' || parsed.hash !== '') {
    findings.push({ path, message: 'is not a usable URL', fix: 'give a whole URL without user, password or #' });
  }
  return findings;
}

/** What only the request itself may say. */
const reserved = /^(?:response_type|response_mode|state|scope|code_challenge(?:_method)?|request(?:_uri)?)$/i;

function authorization(provider: Provider): Finding[] {
  const { authorization: rules } = provider;
  if (rules === undefined) return [];
  const at = (...path: PropertyKey[]) => ['authorization', ...path];
  const findings: Finding[] = [];
  const entries = Object.entries(rules.environments);
  if (entries.length === 0) {
    const fix = 'add one with its authorizationUrl, or leave authorization out';
    findings.push({ path: at('environments'), message: 'names no environment', fix });
  }
  for (const [name, urls] of entries) {
    for (const [key, template] of Object.entries(urls)) {
      if (template !== undefined) findings.push(...url(provider, at('environments', name, key), template));
    }
    // A name of no environment does no harm (an installation may have taken that one away), unless it is a typing error.
    const meant = Object.hasOwn(provider.environments, name) ? undefined : didYouMean(name, without(rules, provider));
    if (meant !== undefined) {
      const fix = `did you mean ${meant}?`;
      findings.push({ path: at('environments', name), message: 'is no environment of the provider', fix });
    }
    if (rules.account !== 'none' && urls.userinfoUrl === undefined) {
      const fix = 'give it, or set account: none';
      findings.push({
        path: at('environments', name, 'userinfoUrl'),
        message: 'is missing, and account needs it',
        fix,
      });
    }
  }
  for (const name of Object.keys(rules.parameters)) {
    if (!reserved.test(name) && name !== rules.names.clientId && name !== rules.names.redirectUri) continue;
    findings.push({ path: at('parameters', name), message: 'is set for each request', fix: 'leave it out' });
  }
  return findings;
}

/** The provider's environments without a consent page. */
function without({ environments }: NonNullable<Provider['authorization']>, provider: Provider): string[] {
  return Object.keys(provider.environments).filter((name) => !Object.hasOwn(environments, name));
}

/** Hosts no provider's pattern may accept: it would send tokens wherever a secret's document says. */
const strangers = [
  'localhost',
  '127.0.0.1',
  '169.254.169.254',
  'attacker.example',
  'a.b',
  'xn--a.test',
  'example.com.attacker.example',
];

function accessPoints({ accessPoints: patterns }: Provider): Finding[] {
  return patterns.flatMap((pattern, index): Finding[] => {
    const whole = new RegExp(`^(?:${pattern})$`, 'i');
    if (!strangers.some((host) => whole.test(host))) return [];
    const fix = "name the provider's own domain, with dots escaped: api\\.[a-z]{2}[0-9]\\.example\\.com";
    return [
      { path: ['accessPoints', index], message: 'accepts hosts of anybody, and tokens would be sent there', fix },
    ];
  });
}

function others({ errors, request, accessToken, revocation, authorization: consent }: Provider): Finding[] {
  const findings: Finding[] = [];
  for (const [index, { status, error, description }] of errors.entries()) {
    if (status === undefined && error === undefined && description === undefined) {
      findings.push({
        path: ['errors', index],
        message: 'matches every answer',
        fix: 'give status, error or description',
      });
    }
  }
  const elsewhere = 'credentials come from the client (clients:), never from a provider file';
  for (const name of Object.keys(request.headers)) {
    if (/^(?:proxy-)?authorization$|^cookie$/i.test(name))
      findings.push({ path: ['request', 'headers', name], message: 'would hold a credential', fix: elsewhere });
    else if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || /[^\t\x20-\x7e]/.test(request.headers[name] ?? '')) {
      findings.push({
        path: ['request', 'headers', name],
        message: 'cannot be sent as a header',
        fix: 'use printable ASCII',
      });
    }
  }
  for (const [path, parameters] of [
    [['request', 'parameters'], request.parameters],
    [['revocation', 'parameters'], revocation?.parameters ?? {}],
    [['authorization', 'parameters'], consent?.parameters ?? {}],
  ] as const) {
    for (const name of Object.keys(parameters)) {
      if (/^(?:client_secret|refresh_token|password)$/i.test(name))
        findings.push({ path: [...path, name], message: 'would hold a credential', fix: elsewhere });
    }
  }
  if (accessToken.life > accessToken.lifeMax)
    findings.push({ path: ['accessToken', 'life'], message: 'must not exceed lifeMax' });
  return findings;
}
