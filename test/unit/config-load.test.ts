/** Loading: defaults, where files come from, what is merged over what, and what the result is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accepted, configFile, load, refused } from '../support/load-config.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

describe('without any file', () => {
  test('everything has the default the design names', () => {
    const config = accepted();
    expect(config).toMatchObject({
      environment: 'production',
      role: 'all',
      dataDir: '/srv/.pilotlight',
      store: {
        kind: 'file',
        find: { tag: { key: 'pilotlight:managed', value: 'true' } },
        namePrefix: '',
        aws: { writesPerSecond: 40 },
      },
      keep: 'refresh-token',
      redis: { prefix: '{pilotlight}' },
      rotation: {
        requestLimit: 1.5 * minuteMs,
        writeLimit: minuteMs,
        lease: 200_000,
        coolDown: 10 * minuteMs,
        confirmAfter: 15 * minuteMs,
      },
      thresholds: {
        warn: { left: 14 * dayMs, share: 0.3 },
        page: { left: 3 * dayMs, share: 0.1 },
        absolute: [30, 14, 7, 3, 1].map((days) => days * dayMs),
      },
      spool: {
        directory: '/srv/.pilotlight/spool',
        keys: { directory: '/srv/.pilotlight/keys' },
        fingerprintKeyFile: '/srv/.pilotlight/fingerprint.key',
      },
      web: { host: '127.0.0.1', port: 8080, statusPage: true },
      log: { level: 'info' },
    });
    expect(config.sandbox).toBeUndefined();
  });

  test('all shipped providers are there, whole and in order', () => {
    expect(Object.keys(accepted().providers)).toEqual([
      'adobe-acrobat-sign',
      'adobe-acrobat-sign-gov',
      'docusign',
      'esignglobal',
      'oauth2',
    ]);
  });

  test('the shipped pilotlight.yaml changes nothing', () => {
    const shipped = readFileSync(join(import.meta.dirname, '../../config/pilotlight.yaml'), 'utf8');
    expect(accepted({ yaml: shipped })).toEqual(accepted());
  });

  test('the defaults that file shows, taken out of their comments, are the defaults', () => {
    const shipped = readFileSync(join(import.meta.dirname, '../../config/pilotlight.yaml'), 'utf8');
    // A default has no space after its #, or two inside a section; prose has one and examples three.
    const shown = shipped.replaceAll(/^#(?=\S| {2}\w+:)/gm, '');
    expect(shown).toContain('\n  lease: 200s\n');
    expect(shown.match(/^\w+:/gm)?.length).toBeGreaterThan(8);
    expect(accepted({ yaml: shown })).toEqual(accepted());
  });
});

describe('which file', () => {
  const files = { '/etc/a.yaml': 'log: { level: warn }', '/srv/b.yaml': 'log: { level: error }' };

  test('the command line wins over PILOTLIGHT_CONFIG; relative paths start at the working directory', () => {
    expect(accepted({ files, env: { PILOTLIGHT_CONFIG: '/etc/a.yaml' } }).log.level).toBe('warn');
    expect(accepted({ files, file: 'b.yaml', env: { PILOTLIGHT_CONFIG: '/etc/a.yaml' } }).log.level).toBe('error');
  });

  test('the files read are named', () => {
    const result = load({ files, file: 'b.yaml' });
    expect(result.ok && result.sources[0]).toBe('/srv/b.yaml');
    expect(result.ok && result.sources.some((source) => source.endsWith('providers/docusign.yaml'))).toBe(true);
  });

  test('a file that was named must exist, the shipped one need not', () => {
    expect(refused({ file: '/etc/none.yaml' })).toEqual(['/etc/none.yaml: does not exist']);
    const shipped = join(import.meta.dirname, '../../config/pilotlight.yaml');
    expect(accepted({ files: { [shipped]: 'ENOENT' } }).role).toBe('all');
    expect(refused({ files: { [shipped]: 'EACCES' } })).toEqual([`${shipped}: may not be read by this user`]);
  });
});

describe('the file', () => {
  test('says what it says and leaves the rest at its default', () => {
    const config = accepted({
      yaml: 'rotation:\n  lease: PT5M\n  retry: { max: 2h }\nstore:\n  kind: aws\n  find: { prefix: oauth/ }\n',
    });
    expect(config.rotation).toMatchObject({
      lease: 5 * minuteMs,
      requestLimit: 1.5 * minuteMs,
      retry: { first: minuteMs, max: 120 * minuteMs },
    });
    expect(config.store).toMatchObject({ kind: 'aws', find: { prefix: 'oauth/' }, namePrefix: 'oauth/' });
  });

  test('may name the store in one word', () => expect(accepted({ yaml: 'store: aws' }).store.kind).toBe('aws'));

  test('may have sections whose keys are all commented out', () => {
    expect(accepted({ yaml: 'web:\n  # port: 1\nrotation:\n  retry:\nproviders:\n  docusign:\n' })).toEqual(accepted());
  });

  test('may begin with a byte order mark and end its lines as Windows does', () => {
    expect(accepted({ yaml: '\uFEFFlog:\r\n  level: debug\r\n' }).log.level).toBe('debug');
  });

  test('may be empty', () => expect(accepted({ yaml: '' })).toEqual(accepted()));

  test('gives marks in any order, each once, longest first', () => {
    expect(accepted({ yaml: 'thresholds: { absolute: [1d, 7d, 1d] }' }).thresholds.absolute).toEqual([
      7 * dayMs,
      dayMs,
    ]);
  });

  test('shows the status page to other machines only when it says so', () => {
    expect(accepted({ yaml: 'web: { host: 0.0.0.0 }' }).web.statusPage).toBe(false);
    expect(accepted({ yaml: 'web: { host: 0.0.0.0, statusPage: true }' }).web.statusPage).toBe(true);
    for (const host of ['localhost', '127.0.0.2', '::1'])
      expect(accepted({ yaml: `web: { host: "${host}" }` }).web.statusPage).toBe(true);
  });

  test('moves everything with dataDir, but for what it places by itself', () => {
    const config = accepted({ yaml: 'dataDir: /data\nspool: { directory: ../spool, keys: { directory: /mnt/keys } }' });
    expect(config.spool).toMatchObject({
      directory: '/spool',
      keys: { directory: '/mnt/keys' },
      fingerprintKeyFile: '/data/fingerprint.key',
    });
    expect(config.store.file).toMatchObject({ directory: '/data/store', keyFile: '/data/store.key' });
  });
});

describe('the result', () => {
  test('is frozen all the way down, for nobody may change a setting for somebody else', () => {
    const config = accepted({ yaml: 'providers: { docusign: { refreshEvery: 9d } }' });
    const thawed: string[] = [];
    const walk = (value: unknown, path: string) => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) thawed.push(path);
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    };
    walk(config, 'config');
    expect(thawed).toEqual([]);
  });

  test('keeps the Redis password apart from what is printed', () => {
    const result = load({ env: { REDIS_URL: 'rediss://worker:hunter2@redis.example:6380/1' } });
    expect(result.ok && result.redisUrl).toBe('rediss://worker:hunter2@redis.example:6380/1');
    expect(result.ok && result.config.redis.url).toBe('rediss://worker@redis.example:6380/1');
    expect(result.ok && inspect(result.config, { depth: null })).not.toContain('hunter2');
  });

  test('is the same for the same input, and does not depend on the order of its keys', () => {
    expect(accepted({ yaml: 'web: { port: 0 }\nrole: worker' })).toEqual(
      accepted({ yaml: 'role: worker\nweb: { port: 0 }' }),
    );
  });
});

test('whatever is typed into the file gives a configuration or problems with a place, and never throws', () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('30d', 'aws', '*/5 * * * * *'),
  );
  const key = fc.constantFrom(
    'store',
    'web',
    'clients',
    'providers',
    'rotation',
    'docusign',
    'find',
    'tag',
    'lease',
    '__proto__',
    'constructor',
    'toString',
    'keep',
    'environments',
    'lifetimes',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 4 }), (document) => {
      const result = load({ yaml: JSON.stringify(document) });
      return result.ok || result.problems.every(({ file, message }) => file === configFile && message !== '');
    }),
    { numRuns: 100 },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const result = load({ yaml: text });
      return result.ok || result.problems.length > 0;
    }),
    { numRuns: 100 },
  );
});
