/**
 * Configuration and provider files, damaged: loading never throws and never hangs, says what is wrong or gives a whole
 * configuration, the same each time, and never quotes a value, because a mistyped line may hold a password.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { loadConfig } from '../../../config/load.ts';
import { formatProblem } from '../../../config/problem.ts';
import { canaryNumber } from './answer-case.ts';
import { blanked, type Canaries, canariesOf, leaksIn } from './canary.ts';
import { type Mutation, mutated, mutation } from './mutate.ts';
import { Broken, fuzzPart } from './part.ts';

const shipped = join(import.meta.dirname, '../../../config');
const mainText = `${readFileSync(join(shipped, 'pilotlight.yaml'), 'utf8').replaceAll(/^# ?(?=[a-z ]+:)/gm, '')}`;
const providerTexts = readdirSync(join(shipped, 'providers')).map((name) => ({
  name,
  text: readFileSync(join(shipped, 'providers', name), 'utf8').replaceAll(/#.*$/gm, ''),
}));
const small =
  'store: aws\nclients:\n  main: { provider: docusign, secret: clients/main }\nweb:\n  port: 9000\nproviders:\n  docusign:\n    refreshEvery: 5d\n';

/** What hands and templates do to YAML. */
const yamlPieces = [
  '\t',
  '  ',
  '\n',
  ': ',
  '- ',
  '{',
  '[',
  '"',
  "'",
  '|',
  '>',
  '&a ',
  '*a',
  '!tag ',
  '---\n',
  '%YAML 1.2\n',
  '@',
  '`',
  '? ',
  '<<: *a\n',
  '.inf',
  '.nan',
  '0x7fffffff',
  '1e400',
  'yes',
  '~',
  '\u0000',
  '\u0085',
  'SECRET',
  'password: SECRET\n',
  'clientSecret: SECRET\n',
  '__proto__: {}\n',
];

interface ConfigCase {
  readonly n: number;
  readonly main: string;
  readonly provider: number;
  readonly inserts: readonly (readonly [number, string])[];
  readonly mutations: readonly Mutation[];
  readonly into: 'main' | 'provider' | 'environment';
}

export const configs = fuzzPart<ConfigCase>({
  name: 'configs',
  share: 0.4,
  cases: fc.record({
    n: canaryNumber,
    main: fc.constantFrom(small, small, mainText, bomb(9)),
    provider: fc.nat(providerTexts.length - 1),
    inserts: fc.array(fc.tuple(fc.nat(3_000), fc.constantFrom(...yamlPieces)), { maxLength: 3 }),
    mutations: fc.array(mutation, { maxLength: 2 }),
    into: fc.constantFrom('main', 'provider', 'environment'),
  }),
  show(one) {
    const { canaries, texts } = make(one);
    return blanked(`${one.into}: ${JSON.stringify(texts)}`, canaries);
  },
  attempt(one, note) {
    const { canaries, texts } = make(one);
    const result = load(texts);
    if (!result.ok && result.problems.length === 0) throw new Broken('other', 'refused without a reason');
    const said = result.ok ? JSON.stringify(result.config) : result.problems.map(formatProblem).join('\n');
    note(result.ok ? 'loaded' : 'refused');
    if (result.ok) checkBounds(JSON.stringify(result.config.rotation));
    else if (leaksIn(said, canaries).length > 0)
      throw new Broken('canaryLeaks', 'a problem of the configuration quotes a value');
    if (one.n % 4 !== 0) return;
    const again = load(texts);
    if (again.ok !== result.ok) throw new Broken('other', 'the same files were read in two ways');
  },
  reaches: { loaded: 20, refused: 4 },
});

/** Aliases of aliases: a few hundred bytes that stand for gigabytes. */
function bomb(levels: number): string {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < levels; level++)
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(',')}]`,
    );
  return `${lines.join('\n')}\n`;
}

interface Texts {
  readonly main: string;
  readonly provider: { readonly name: string; readonly text: string };
  readonly env: Readonly<Record<string, string>>;
}

function make({ n, main, provider, inserts, mutations, into }: ConfigCase): {
  readonly canaries: Canaries;
  readonly texts: Texts;
} {
  const canaries = canariesOf(n);
  const chosen = providerTexts[provider] ?? { name: '', text: '' };
  const damaged = (text: string) => {
    const put = inserts.reduce(
      (now, [at, piece]) => now.slice(0, at % (now.length + 1)) + piece + now.slice(at % (now.length + 1)),
      text,
    );
    // Only in the place of a value: a key is named in what is said of it.
    return mutated(put, mutations)
      .replaceAll(/(?<=: )SECRET(?=\s)/g, canaries.clientSecret)
      .toWellFormed();
  };
  const name = `my-${chosen.name}`;
  const own = chosen.text.replace(/^name: .*$/m, `name: ${name.replace(/\.yaml$/, '')}`);
  const withFolder = `${main}providersDir: /srv/providers\n`;
  return {
    canaries,
    texts: {
      main: into === 'main' ? damaged(withFolder) : withFolder,
      provider: { name, text: into === 'provider' ? damaged(own) : own },
      env:
        into === 'environment'
          ? { PILOTLIGHT_WEB_PORT: damaged('9000'), REDIS_URL: damaged('redis://:SECRET@127.0.0.1:6379') }
          : {},
    },
  };
}

function load({ main, provider, env }: Texts) {
  return loadConfig({
    file: '/etc/pilotlight.yaml',
    env,
    cwd: '/srv',
    inKubernetes: false,
    readFile(path) {
      if (path === '/etc/pilotlight.yaml') return Buffer.from(main);
      if (dirname(path) === '/srv/providers' && basename(path) === provider.name) return Buffer.from(provider.text);
      return readFileSync(path);
    },
    listDir: (path) => (path === '/srv/providers' ? [provider.name] : readdirSync(path)),
  });
}

/** JSON has no NaN and no Infinity: they would stand there as null. */
function checkBounds(rotation: string): void {
  if (/null/.test(rotation)) throw new Broken('other', 'a time of the configuration is no number');
}
