/** What `pilotlight import` refuses: every problem at once, by entry and field, and never a value of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Called, canary, documentOf, now, pilotlight } from '../support/cli.ts';

const good = {
  id: 'acme/esign',
  provider: 'docusign',
  environment: 'production',
  client: 'docusign-main',
  refresh_token: canary,
};

/** Imports a file that must be refused: exit code, nothing made, nothing shown of its values. */
async function refused(content: unknown, argv: readonly string[] = []): Promise<Called> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const called = await pilotlight(['import', 'f.json', ...argv], {}, { files: { 'f.json': text } });
  expect([called.code, called.acts.created]).toEqual([1, []]);
  expect(called.out + called.err).not.toContain('canary');
  return called;
}

describe('on the command line a token', () => {
  it.each([
    [`{"id":"a","refresh_token":"${canary}"}`],
    [` [{"refresh_token":"${canary}"}]`],
    [`"${canary}"`],
  ])('is refused as wrong usage, unread and unrepeated: %#', async (argument) => {
    const { code, out, err, acts } = await pilotlight(['import', argument]);
    expect([code, out, acts.closed]).toEqual([64, '', 0]);
    expect(err).toMatch(/never taken from the command line, .*give a file, or - for standard input/);
    expect(err).not.toContain('canary');
  });

  it('that is taken for a file name is not repeated', async () => {
    const { code, err } = await pilotlight(['import', canary]);
    expect(code).toBe(1);
    expect(err).toBe('pilotlight: the file cannot be read (Error:ENOENT); give the path of a JSON file, or -\n');
  });
});

describe('a file', () => {
  it.each([
    ['', /is empty/],
    [' \n', /is empty/],
    [`refresh_token=${canary}`, /is not JSON \(line 1, column 1\)/],
    [`[\n  {"id": "a",\n   "refresh_token": ${canary}}\n]`, /is not JSON \(line 3, column 21\)/],
    [`{"refresh_token":"${canary}",}`, /is not JSON/],
    [`{"refresh_token":"${canary}"} // mine`, /is not JSON/],
    [`{"refresh_token":"${canary}"}{}`, /is not JSON/],
    [`{"refresh_token":"${canary}`, /is not JSON/],
    [`"${canary}"`, /must hold one JSON object, or an array of them/],
    ['null', /must hold one JSON object/],
    ['[]', /holds an empty array/],
    ['['.repeat(200_000), /is not JSON/],
    [`${'['.repeat(200_000)}"${canary}"${']'.repeat(200_000)}`, /is not JSON|must be a JSON object/],
  ])('is refused, by place and without a quotation: %#', async (text, says) => {
    expect((await refused(text)).err).toMatch(says);
  });

  it('never makes a parser quote it, whatever it holds', async () => {
    const pieces = fc.array(fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', '\u0000', 'null', '1', canary));
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => void (await refused(parts.join('')))),
      { numRuns: 60 },
    );
  });
});

describe('an entry', () => {
  const iso = (at: number) => new Date(at).toISOString();
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['without a provider', { provider: undefined }, /: provider is missing$/],
    ['without a client', { client: null }, /: client is missing$/],
    ['without a refresh token', { refresh_token: undefined }, /: refresh_token is missing$/],
    ['with an empty one', { refresh_token: ' ' }, /: refresh_token is empty$/],
    ['with a placeholder', { refresh_token: '<token>' }, /: refresh_token is a placeholder$/],
    ['with a line break behind it', { refresh_token: `${canary}\n` }, /: refresh_token has white space around it$/],
    [
      'with a control character in it',
      { refresh_token: `${canary}\u0000x` },
      /: refresh_token has characters no token may/,
    ],
    ['with a number for one', { refresh_token: 12345 }, /: refresh_token must be text$/],
    ['with it under two names', { refreshToken: `${canary}2` }, /: refresh_token is given twice$/],
    ['of an unknown provider', { provider: 'canary-sign' }, /: provider is not configured \(there are .*docusign/],
    ['of an unknown environment', { environment: 'canary' }, /: environment must be one of production, demo$/],
    [
      'of no environment where there are two',
      { environment: undefined },
      /: environment must be one of production, demo$/,
    ],
    ['of an unknown client', { client: 'canary' }, /: client is not in the configuration \(there are docusign-main, /],
    ['of a client of another provider', { client: 'plain-main' }, /: client belongs to another provider \(oauth2\)$/],
    ['of constructor', { provider: 'constructor' }, /: provider is not configured/],
    ['with a broken instant', { consented_at: `${canary}` }, /: consented_at is no instant we can read/],
    [
      'with an instant to come',
      { refreshed_at: iso(now + 3 * 86_400_000) },
      /: refreshed_at is no instant we can read/,
    ],
    ['with an owner no tag can hold', { owner: `<${canary}>` }, /: owner must be at most 256 letters/],
    ['with our own section', { pilotlight: { spent: [canary] } }, /: pilotlight is written by the service itself/],
    ['that is too large', { note: canary.repeat(2_500) }, /: is too large/],
    ['with an empty field', { api_access_point: '' }, /: api_access_point is empty; leave it out/],
  ])('%s', async (_, change, says) => {
    const { err } = await refused([{ ...good, ...change }]);
    const [line = '', ...rest] = err.trimEnd().split('\n');
    expect(line).toMatch(/^entry 1 \(acme\/esign\): /);
    expect(line).toMatch(says);
    expect(rest).toEqual(['pilotlight: 1 problem in 1 entry; nothing was imported']);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'without its access point',
      { provider: 'adobe-acrobat-sign', client: 'adobe-main' },
      /api_access_point is missing, and needed/,
    ],
    [
      'with a foreign access point',
      { provider: 'adobe-acrobat-sign', client: 'adobe-main', api_access_point: `https://${canary}.example/` },
      /api_access_point is not allowed at this provider$/,
    ],
    [
      'without its data centre',
      { provider: 'esignglobal', client: 'esign-main' },
      /data_center is missing, .*\(one of as1, as2, eu1\)$/,
    ],
    [
      'of a grant that holds nothing',
      { provider: 'esignglobal', client: 'esign-main', data_center: 'as1', grant_type: 'client_credentials' },
      /grant_type is refused: A client_credentials token has no refresh token/,
    ],
  ])('%s', async (_, change, says) => {
    const { err } = await refused([{ ...good, ...change }]);
    expect(err.split('\n')[0]).toMatch(says);
  });

  it.each([
    [undefined],
    [null],
    [7],
    [''],
    ['canary with spaces'],
    ['canary"'],
    ['x'.repeat(513)],
  ])('with the id %j is told by its number only', async (id) => {
    expect((await refused([{ ...good, id }])).err).toMatch(
      /^entry 1: id (?:is missing|must be text|is empty|cannot be the name)/,
    );
  });

  it.each([
    ['id'],
    ['client'],
    ['owner'],
    ['provider'],
    ['environment'],
  ])('whose %s holds the token is refused without repeating it', async (field) => {
    const { err } = await refused([{ ...good, [field]: canary }]);
    expect(err).toContain(`${field} holds the token; it belongs into refresh_token or access_token only`);
  });

  it.each([['text'], [7], [null], [[]]])('that is %j is no entry', async (content) => {
    expect((await refused([content])).err).toMatch(/^entry 1: must be a JSON object$/m);
  });

  it('with a key twice or a key no document may have', async () => {
    expect((await refused(`{"id":"a","provider":"docusign","id":"${canary}"}`)).err).toContain('id is given twice');
    const twice = JSON.stringify(good).replace(/}$/, `,"x":"${canary}","x":1}`);
    expect((await refused(twice)).err).toContain('has one of its further fields twice');
    const forbidden = JSON.stringify(good).replace(/}$/, `,"__proto__":{"a":"${canary}"}}`);
    expect((await refused(forbidden)).err).toMatch(/key that no document may have/);
  });
});

describe('every problem', () => {
  const entries = [
    { ...good, provider: 'nowhere', consented_at: 'soon' },
    { ...good, id: 'b', refresh_token: undefined, owner: 7 },
    { ...good, id: 'c' },
    { ...good, id: 'c', refresh_token: `${canary}-other` },
    { ...good, id: 'd' },
  ];

  it('is told at once, in the order of the file, also the same id and the same token twice', async () => {
    const { err } = await refused(entries);
    const lines = err.trimEnd().split('\n');
    expect(lines.map((line) => /^entry \d+ \([^)]*\): (\w+)/.exec(line)?.[0] ?? line)).toEqual([
      'entry 1 (acme/esign): consented_at',
      'entry 1 (acme/esign): provider',
      'entry 2 (b): owner',
      'entry 2 (b): refresh_token',
      'entry 4 (c): id',
      'entry 5 (d): refresh_token',
      'pilotlight: 6 problems in 5 entries; nothing was imported',
    ]);
    expect(err).toContain('entry 4 (c): id is that of entry 3 too');
    expect(err).toContain(
      "entry 5 (d): refresh_token is that of entry 3 too; two holders would spend each other's token",
    );
  });

  it('is told with --dry-run and as JSON as well', async () => {
    const called = await refused(entries, ['--dry-run', '-o', 'json']);
    expect(documentOf(called).problems).toHaveLength(6);
    expect(documentOf(called).problems).toContainEqual({
      entry: 2,
      id: 'b',
      field: 'refresh_token',
      message: 'is missing',
    });
  });
});
