/** `pilotlight spool`: what its commands show of the records there are, what they never show, and how they exit. */
import { describe, expect, it } from 'vitest';
import type { CommandContext, Flushed, OpenedSpool } from '../../src/cli/context.ts';
import { outcomes, type RotationReport } from '../../src/rotation/outcome.ts';
import type { SpoolItem, SpoolSurvey } from '../../src/rotation/ports.ts';
import { type Called, documentOf, now, pilotlight } from '../support/cli.ts';
import { intentOf } from '../support/fakes/spool-files.ts';

const minute = 60_000;
const ids = {
  sent: '11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
  sealed: '22222222-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
  broken: '33333333-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
};

function item(change: Partial<SpoolItem>): SpoolItem {
  return { ...intentOf({ startedAt: now - 90 * minute }), state: 'intent', where: 'both', problems: [], ...change };
}

const sent = item({ connection: 'acme/esign', attempt: ids.sent, startedAt: now - 2 * 60 * minute });
const sealed = item({ connection: 'globex/esign', attempt: ids.sealed, state: 'answered', where: 'mirror' });
const broken: SpoolItem = {
  attempt: ids.broken,
  state: 'unreadable',
  where: 'disk',
  problems: [{ where: 'disk', file: `${ids.broken}.rec`, why: 'key_missing' }],
};
const three: SpoolSurvey = { items: [sent, sealed, broken], mirrorRead: true };
const empty: SpoolSurvey = { items: [], mirrorRead: true };

/** Calls the command on a spool that is as given; each further look sees the next survey. */
async function spool(
  argv: readonly string[],
  surveys: readonly SpoolSurvey[] = [three],
  flushed: readonly Flushed[] = [],
  context: Partial<CommandContext> = {},
) {
  const left = [...surveys];
  const seen = { closed: 0, flushes: 0 };
  const openSpool = async (): Promise<OpenedSpool> => ({
    survey: async () => left.shift() ?? empty,
    async *flush() {
      seen.flushes += 1;
      yield* flushed;
    },
    async close() {
      seen.closed += 1;
    },
  });
  const open = () => Promise.reject(new Error('the store is none of its business'));
  const called: Called = await pilotlight(['spool', ...argv], {}, { openSpool, open, ...context });
  expect(seen.closed).toBe(1);
  // Which token it was is nobody's business who looks at a folder.
  expect(called.out).not.toContain(sent.fingerprintOld);
  return { ...called, ...seen };
}

const report = (connection: string, change: Partial<RotationReport> = {}): Flushed => ({
  connection,
  report: { connection, asked: 'recover', outcome: 'rotated', reason: 'none', at: undefined, totalMs: 5, ...change },
});

describe('spool list', () => {
  it('shows connection, provider, attempt, state, since when and where, and counts them', async () => {
    const { code, out, flushes } = await spool(['list']);
    const lines = out.trimEnd().split('\n');
    expect([code, flushes]).toEqual([0, 0]);
    expect(lines[0]).toMatch(/^CONNECTION +PROVIDER +ATTEMPT +STATE +SINCE +AGE +WHERE$/);
    expect(lines[1]).toMatch(/^acme\/esign +acme-sign +11111111 +intent +2026-11-20 06:00 UTC +2 hours ago +both$/);
    expect(lines[2]).toMatch(/^globex\/esign +acme-sign +22222222 +answered +2026-11-20 06:30 UTC +1 hour .* mirror$/);
    expect(lines[3]).toMatch(/^- +- +33333333 +unreadable +- +- +disk$/);
    expect(lines[4]).toBe('3 records: 1 intent, 1 answered, 1 unreadable');
  });

  it('as JSON says the same in full, and no fingerprint', async () => {
    const answer = await spool(['list', '-o', 'json']);
    expect(answer.code).toBe(0);
    expect(documentOf(answer)).toEqual({
      mirrorRead: true,
      records: [
        {
          connection: 'acme/esign',
          provider: 'acme-sign',
          client: 'main',
          attempt: ids.sent,
          state: 'intent',
          since: '2026-11-20T06:00:00.000Z',
          ageMs: 120 * minute,
          where: 'both',
          problems: [],
        },
        expect.objectContaining({ connection: 'globex/esign', state: 'answered', where: 'mirror' }),
        {
          ...{ connection: null, provider: null, client: null, attempt: ids.broken, since: null, ageMs: null },
          ...{ state: 'unreadable', where: 'disk', problems: broken.problems },
        },
      ],
    });
  });

  it('says that nothing is open, and that it saw only half where Redis was away', async () => {
    expect((await spool(['list'], [empty])).out).toBe('No open record: every answer is in the store.\n');
    const half = await spool(['list'], [{ items: [sent], mirrorRead: false }]);
    expect(half.err).toBe('pilotlight: Redis was not reached: this is the disk alone, without the mirror.\n');
    expect(half.code).toBe(0);
  });

  it('cannot be commanded by what stands in a record', async () => {
    const hostile = item({ connection: 'a\u001b[2J\u202eb', attempt: '\u001b]0;x' });
    const { out } = await spool(['list'], [{ items: [hostile], mirrorRead: true }]);
    expect(out).toContain('a\\u{1b}[2J\\u{202e}b');
    expect(out).not.toContain('\u001b');
  });
});

describe('spool verify', () => {
  it('exits 0 where every record opens', async () => {
    const { code, out } = await spool(['verify'], [{ items: [sent, sealed], mirrorRead: true }]);
    expect([code, out]).toEqual([0, 'Every record opens (2 records: 1 intent, 1 answered).\n']);
    expect(await spool(['verify'], [empty])).toMatchObject({ code: 0, out: 'No open record.\n' });
  });

  it('exits 1 where one does not, and says which, why and what to do', async () => {
    const { code, out } = await spool(['verify']);
    expect(code).toBe(1);
    expect(out).toBe(
      `unknown connection (disk, ${ids.broken}.rec): the key it was sealed with is not in the ring.\n` +
        '  Put that key back into spool.keys.directory and restart the worker; it opens and never seals.\n' +
        '1 of 3 records cannot be opened\n',
    );
  });

  it.each([
    ...['key_missing', 'other_environment', 'unknown_format', 'answer_damaged', 'header_damaged', 'truncated'],
    ...['renamed', 'file_unreadable', 'not_a_plain_file', 'not_a_spool_file'],
  ])('has words for %s', async (why) => {
    const bad = { ...broken, connection: 'acme', problems: [{ where: 'disk' as const, file: 'x.rec', why }] };
    const { out } = await spool(['verify'], [{ items: [bad], mirrorRead: true }]);
    expect(out).toMatch(/^acme \(disk, x\.rec\): [a-z ,]{10,}\.\n {2}[A-Z].{20,}\.\n/);
    expect(out).not.toContain(why);
  });

  it('says that a copy which opens is enough, and still exits 1', async () => {
    const saved = { ...sealed, where: 'both' as const, problems: broken.problems };
    const { code, out } = await spool(['verify'], [{ items: [saved], mirrorRead: true }]);
    expect(code).toBe(1);
    expect(out).toContain('the copy in the mirror opens and holds the answer');
  });

  it('does not call well what it could not look at', async () => {
    const { code, err } = await spool(['verify'], [{ items: [], mirrorRead: false }]);
    expect(code).toBe(1);
    expect(err).toContain('without the mirror');
  });

  it('as JSON names file, reason and remedy', async () => {
    const answer = await spool(['verify', '-o', 'json']);
    expect(answer.code).toBe(1);
    const { ok, records } = documentOf(answer) as { ok: boolean; records: { problems: object[] }[] };
    expect(ok).toBe(false);
    expect(records.map(({ problems }) => problems.length)).toEqual([0, 0, 1]);
    expect(records[2]?.problems[0]).toEqual({
      ...{ where: 'disk', file: `${ids.broken}.rec` },
      why: expect.stringContaining('not in the ring'),
      fix: expect.stringContaining('spool.keys.directory'),
    });
  });
});

describe('spool flush', () => {
  it('says what each connection came to, and exits 0 where nothing is left', async () => {
    const { code, out, flushes } = await spool(['flush'], [empty], [report('a'), report('b', { outcome: 'notDue' })]);
    expect([code, flushes]).toEqual([0, 1]);
    expect(out).toBe(
      'a: finished: its new token is in the store\n' +
        'b: nothing of it was left to do\n' +
        'Nothing is left: every answer is in the store.\n',
    );
  });

  it('exits 1 where something is left, and shows it', async () => {
    const flushed: Flushed[] = [
      report('globex/esign', { outcome: 'sealed', reason: 'store_unavailable' }),
      { connection: 'acme/esign', left: 'held' },
      { connection: 'hooli/esign', left: 'redis_new' },
    ];
    const { code, out } = await spool(['flush'], [{ items: [sent, sealed], mirrorRead: true }], flushed);
    expect(code).toBe(1);
    expect(out).toMatch(/^globex\/esign: still only sealed: the store did not take it \(.{10,}\)$/m);
    expect(out).toMatch(/^acme\/esign: left to the worker that has it in hand$/m);
    expect(out).toMatch(/^hooli\/esign: left for now: Redis is new/m);
    expect(out).toMatch(/^globex\/esign +acme-sign +22222222 +answered /m);
    expect(out).toMatch(/^left: 2 records: 1 intent, 1 answered$/m);
  });

  it.each(outcomes)('has words for %s', async (outcome) => {
    const { out } = await spool(['flush'], [empty], [report('a', { outcome })]);
    expect(out.split('\n')[0]).toMatch(/^a: .{9,}$/);
    expect(out.split('\n')[0]).not.toContain('undefined');
  });

  it('says why one was left as it is', async () => {
    const waiting = report('a', { outcome: 'notDue', reason: 'unknown_outcome' });
    const { out } = await spool(['flush'], [{ items: [sent], mirrorRead: true }], [waiting]);
    expect(out).toMatch(/^a: left as it is \(.{20,}\)$/m);
  });

  it('begins nothing more once interrupted, and says what is left', async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const context = { interruption: () => interrupt.signal };
    const surveys = [{ items: [sent], mirrorRead: true }];
    const { code, out } = await spool(['flush'], surveys, [report('a'), report('b')], context);
    expect(code).toBe(1);
    expect(out).toMatch(/^a: finished[^\n]*\n\nCONNECTION/);
  });

  it('as JSON has one shape', async () => {
    const flushed: Flushed[] = [report('a', { status: 200 }), { connection: 'acme/esign', left: 'held' }];
    const answer = await spool(['flush', '-o', 'json'], [{ items: [sent], mirrorRead: true }], flushed);
    expect(answer.code).toBe(1);
    expect(documentOf(answer)).toEqual({
      ok: false,
      mirrorRead: true,
      connections: [
        { id: 'a', outcome: 'rotated', reason: 'none', status: 200, error: null, left: null },
        { id: 'acme/esign', outcome: null, left: 'held' },
      ],
      left: [expect.objectContaining({ attempt: ids.sent, state: 'intent' })],
    });
  });
});

describe('spool', () => {
  it('alone says what there is to ask for', async () => {
    const { code, out, err } = await pilotlight(['spool']);
    expect(code).toBe(64);
    expect(out + err).toMatch(/list[\s\S]*flush[\s\S]*verify/);
  });
});
