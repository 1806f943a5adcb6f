/** `pilotlight import`: what is made and how, what stops it, and that half an import is told exactly. */
import { describe, expect, it } from 'vitest';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { type Called, canary, day, document, documentOf, type Given, loaded, now, pilotlight } from '../support/cli.ts';

let counted = 0;
/** An entry that is in order, with a token of its own. */
function entry(change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  counted += 1;
  return {
    id: `customers/${counted}`,
    provider: 'docusign',
    environment: 'production',
    client: 'docusign-main',
    refresh_token: `${canary}-${counted}`,
    scope: 'signature extended',
    consented_at: new Date(now - day).toISOString(),
    refreshed_at: new Date(now - day).toISOString(),
    ...change,
  };
}

/** Imports a file with this content, and sees to it that no token is shown. */
async function importing(
  content: unknown,
  argv: readonly string[] = [],
  given: Given = {},
  context = {},
): Promise<Called> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const called = await pilotlight(['import', 'connections.json', ...argv], given, {
    files: { 'connections.json': text },
    ...context,
  });
  expect(called.out + called.err).not.toContain('canary');
  return called;
}

describe('import', () => {
  it('makes a secret of each entry, with the tag it is found by and its owner', async () => {
    const one = entry({ id: 'acme/esign', owner: 'Team A', account_id: 'x' });
    const { code, out, err, acts } = await importing([one, entry({ id: 'globex/esign' })]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^2 connections made\.\n/);
    expect(acts.created.map(({ name, tags }) => [name, tags])).toEqual([
      ['acme/esign', { 'pilotlight:managed': 'true', 'pilotlight:owner': 'Team A' }],
      ['globex/esign', { 'pilotlight:managed': 'true' }],
    ]);
    const { id, owner, ...members } = one;
    expect(JSON.parse(acts.created[0]?.value ?? '')).toEqual(members);
    expect(acts.closed).toBe(1);
  });

  it('takes one object from standard input', async () => {
    const called = await pilotlight(
      ['import', '-'],
      {},
      { input: `\ufeff${JSON.stringify(entry({ id: 'acme' }))}\r\n` },
    );
    expect([called.code, called.acts.created.length]).toEqual([0, 1]);
    expect(called.out).toMatch(/^1 connection made\./);
  });

  it('keeps further fields as they were written, digit for digit', async () => {
    const text = JSON.stringify(entry()).replace(/}$/, ',"account_id":12345678901234567890,"nested":{"a":[1.0,null]}}');
    const { acts } = await importing(text);
    expect(acts.created[0]?.value).toMatch(/,"account_id":12345678901234567890,"nested":\{"a":\[1\.0,null\]\}\}$/);
  });

  it('takes other spellings of names, and writes those the configuration maps them to', async () => {
    const config = loaded('fields: { refreshToken: oauth.refresh, consentedAt: agreedOn }\n');
    const one = entry({
      refreshToken: `${canary}-x`,
      refresh_token: undefined,
      ConsentedAt: 1_790_000_000,
      consented_at: null,
    });
    const { code, acts } = await importing(one, [], { config });
    expect(code).toBe(0);
    const written = JSON.parse(acts.created[0]?.value ?? '') as Record<string, unknown>;
    expect(written).toMatchObject({ oauth: { refresh: `${canary}-x` }, agreedOn: 1_790_000_000 });
    expect(written).not.toHaveProperty('refreshToken');
  });

  it('names secrets by the prefix they are found by, and needs no tag then', async () => {
    const config = loaded('store: { find: { prefix: oauth/ } }\n');
    const { acts } = await importing(entry({ id: 'acme' }), [], { config });
    expect(acts.created).toMatchObject([{ name: 'oauth/acme', tags: {} }]);
    const longer = loaded('store: { find: { prefix: oauth/connections/ }, namePrefix: oauth/ }\n');
    const { code, err } = await importing(entry({ id: 'acme' }), [], { config: longer });
    expect(code).toBe(1);
    expect(err).toContain('id leads to a name that does not begin with store.find.prefix');
  });

  it('only checks with --dry-run, and says what would be made', async () => {
    const unclear = entry({ id: 'unclear', scope: undefined, consented_at: undefined, refreshed_at: undefined });
    const ending = entry({ id: 'ending', scope: 'signature' });
    const { code, out, acts } = await importing([entry({ id: 'fine' }), unclear, ending], ['--dry-run']);
    expect([code, acts.created]).toEqual([0, []]);
    expect(out).toMatch(/^fine +docusign +docusign-main +in 29 days +2026-12-19 08:00 UTC$/m);
    expect(out).toMatch(/^unclear +docusign +docusign-main +~ in /m);
    expect(out).toContain('1 with an estimated deadline');
    expect(out).toContain('1 that no refresh can extend');
    expect(out).toMatch(/Nothing was made\.\n$/);
    expect(documentOf(await importing(entry({ id: 'fine' }), ['-n', '-o', 'json']))).toMatchObject({
      dryRun: true,
      wouldMake: [{ id: 'fine', provider: 'docusign', estimated: false, unkeepable: false }],
    });
  });

  it('puts what was made before everybody at once, and says what keeps it alive', async () => {
    const running = await importing([entry({ id: 'a' }), entry({ id: 'b' })]);
    expect(running.acts.adopted).toEqual(['a', 'b']);
    expect(running.out).toContain('They are kept alive from now on: pilotlight list shows them.');
    const idle = await importing(entry(), [], { serviceRuns: false });
    expect(idle.out).toContain('Start the service to keep them alive (pilotlight run): pilotlight list shows them.');
  });

  it('tells what was made even where it cannot be read back', async () => {
    const onAdopt = () => {
      throw new PilotlightError('redis_unavailable', 'Redis does not answer');
    };
    const words = await importing(entry({ id: 'a' }), [], { onAdopt });
    expect([words.code, words.out]).toEqual([0, expect.stringContaining('1 connection made.')]);
    expect(words.err).toBe('pilotlight: made, and found by the next inventory only: Redis does not answer\n');
    expect(documentOf(await importing(entry({ id: 'a' }), ['-o', 'json'], { onAdopt })).made).toEqual(['a']);
  });

  it('shows progress on a terminal', async () => {
    const { out } = await importing([entry(), entry()], [], {}, { terminal: true, columns: 80 });
    expect(out).toContain('2 of 2 checked ...');
    expect(out).toContain('1 of 2 made ...');
  });
});

describe('what is there already', () => {
  const given: Given = { secrets: { 'acme/esign': { document: document({ refresh_token: `${canary}-there` }) } } };
  const same = () => entry({ id: 'acme/esign', refresh_token: `${canary}-there` });

  it('is refused, and nothing else is made either', async () => {
    const { code, err, acts } = await importing([entry(), same()], [], given);
    expect([code, acts.created]).toEqual([1, []]);
    expect(err).toBe(
      'entry 2 (acme/esign): id is there already; --skip-existing leaves such entries out\npilotlight: 1 problem in 2 entries; nothing was imported\n',
    );
  });

  it('is left out with --skip-existing', async () => {
    const { code, out, acts } = await importing([entry({ id: 'new' }), same()], ['--skip-existing'], given);
    expect([code, acts.created.map(({ name }) => name)]).toEqual([0, ['new']]);
    expect(out).toContain('1 left out: there already.');
  });

  it('is refused where another connection holds the same token', async () => {
    const { code, err } = await importing(entry({ id: 'twin', refresh_token: `${canary}-there` }), [], given);
    expect(code).toBe(1);
    expect(err).toContain('entry 1 (twin): refresh_token is held by the connection acme/esign already');
  });

  it('is refused while a secret of the name waits for its deletion', async () => {
    const waiting: Given = { secrets: { old: { document: document(), deletedAt: now } } };
    expect((await importing(entry({ id: 'old' }), ['--skip-existing'], waiting)).err).toContain(
      'waits for its deletion',
    );
  });

  it('is found out by making it, where the right to look is missing', async () => {
    const onDescribe = () => {
      throw new PilotlightError('store_denied', 'DescribeSecret is denied');
    };
    expect((await importing(entry(), [], { onDescribe })).code).toBe(0);
  });

  it('is not guessed while the store is out of reach: nothing is made', async () => {
    const onDescribe = () => {
      throw new PilotlightError('store_unavailable', 'the store does not answer');
    };
    const { code, err, acts } = await importing(entry(), [], { onDescribe });
    expect([code, acts.created, acts.closed]).toEqual([1, [], 1]);
    expect(err).toBe('pilotlight: the store does not answer\n');
  });
});

describe('an import that breaks off', () => {
  const failing = (fails: Record<string, PilotlightError['code']>) => (name: string) => {
    const code = fails[name];
    if (code !== undefined) throw new PilotlightError(code, `${code} at ${name}`);
  };
  const three = () => ['a', 'b', 'c'].map((id) => entry({ id }));

  it('says which were made and which failed, and goes on with the others', async () => {
    const { code, out, err } = await importing(three(), [], { onCreate: failing({ b: 'store_exists' }) });
    expect([code, out]).toEqual([1, 'made        a\nmade        c\n']);
    expect(err).toMatch(
      /^failed {6}b: store_exists at b\npilotlight: 2 made, 1 failed, 0 not tried; .*--skip-existing\n$/,
    );
  });

  it('stops at the first denial: the others would be denied too', async () => {
    const called = await importing(three(), ['-o', 'json'], { onCreate: failing({ a: 'store_denied' }) });
    expect(called.code).toBe(1);
    expect(documentOf(called)).toMatchObject({
      made: [],
      failed: [{ id: 'a', code: 'store_denied' }],
      notTried: ['b', 'c'],
    });
  });

  it('says that one may have been made where no answer came', async () => {
    const { err } = await importing(three(), [], { onCreate: failing({ c: 'store_unavailable' }) });
    expect(err).toContain('c: store_unavailable at c; it may have been made all the same');
  });

  it('tells an unknown error by its class only', async () => {
    const onCreate = () => {
      throw new Error(`cannot write ${canary}`);
    };
    expect((await importing(three(), [], { onCreate })).err).toContain('failed      a: unexpected error (Error)');
  });

  it('waits while the store asks to slow down, and gives up in the end', async () => {
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    const clock = { now: () => now, monotonic: () => 0, sleep };
    let refusals = 3;
    const onCreate = () => {
      refusals -= 1;
      if (refusals >= 0) throw new PilotlightError('store_throttled', 'slow down');
    };
    expect((await importing(entry(), [], { onCreate }, { clock })).code).toBe(0);
    expect(waits).toEqual([1_000, 2_000, 4_000]);
    refusals = 1_000;
    expect((await importing(entry(), [], { onCreate }, { clock })).err).toContain(': slow down');
    expect(refusals).toBe(994);
  });

  it('stops between two secrets when interrupted', async () => {
    const interrupt = new AbortController();
    const onCreate = (name: string) => name === 'b' && interrupt.abort();
    const context = { interruption: () => interrupt.signal };
    const { code, err, acts } = await importing(three(), [], { onCreate }, context);
    expect([code, acts.created.map(({ name }) => name)]).toEqual([1, ['a', 'b']]);
    expect(err).toContain('2 made, 0 failed, 1 not tried');
  });
});
