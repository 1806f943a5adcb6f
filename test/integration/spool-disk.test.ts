/** The spool on a real disk: what is promised when begin, seal and remove resolve, who may read it, and what is found again. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerStart } from '../../src/spool/format.ts';
import { answerOf, canary, intentOf, ringBoth, type SpoolFolder, spoolFolder } from '../support/fakes/spool-files.ts';

let folder: SpoolFolder;
beforeEach(() => {
  folder = spoolFolder();
});
afterEach(() => folder.remove());

describe('a record', () => {
  it('is a file for its owner alone, with room for the answer, before any request is made', async () => {
    const spool = await folder.open({ answerSpaceBytes: 16_384 });
    const intent = intentOf();
    const record = await spool.begin(intent);
    const [path = ''] = folder.files();
    expect(path).toBe(join(folder.directory, `${intent.attempt}.rec`));
    expect(statSync(folder.directory).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).size).toBe(answerStart + 4 + 16_384);
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(answerStart + 16_384);
    expect(record).toMatchObject({ intent, state: 'intent' });
  });

  it('narrows a folder that was open to others', async () => {
    const wide = join(folder.directory, 'wide');
    mkdirSync(wide);
    chmodSync(wide, 0o777);
    const inner = spoolFolder(wide);
    await inner.open();
    expect(statSync(wide).mode & 0o777).toBe(0o700);
    await inner.remove();
  });

  it('gives the answer back, now and after a restart', async () => {
    const record = await (await folder.open()).begin(intentOf());
    await record.seal(answerOf());
    expect(record.state).toBe('answered');
    expect(await record.answer()).toEqual(answerOf());
    const [found] = (await folder.open()).all();
    expect(found).toMatchObject({ intent: record.intent, state: 'answered' });
    expect(await found?.answer()).toEqual(answerOf());
  });

  it('puts no byte of a token on the disk in clear', async () => {
    const record = await (await folder.open()).begin(intentOf());
    await record.seal(answerOf());
    let searched = 0;
    for (const name of readdirSync(folder.directory)) {
      const bytes = readFileSync(join(folder.directory, name));
      for (const form of [
        canary,
        Buffer.from(canary).toString('base64').slice(0, 24),
        Buffer.from(canary).toString('hex'),
      ])
        expect(bytes.includes(form)).toBe(false);
      searched += bytes.length;
    }
    expect(searched).toBeGreaterThan(answerStart);
  });

  it('takes no more room when an answer fits, and grows for one that does not', async () => {
    const spool = await folder.open({ answerSpaceBytes: 1_000 });
    const small = await spool.begin(intentOf());
    const before = statSync(folder.files()[0] ?? '').size;
    await small.seal(answerOf());
    expect(statSync(folder.files()[0] ?? '').size).toBe(before);
    const large = await spool.begin(intentOf());
    const answer = answerOf({ body: Buffer.alloc(300_000, 'x') });
    await large.seal(answer);
    const again = await folder.open();
    expect(await again.recordsOf(large.intent.connection)[0]?.answer()).toEqual(answer);
  });

  it('is sealed once: what is sealed is never written over', async () => {
    const record = await (await folder.open()).begin(intentOf());
    const both = await Promise.allSettled([record.seal(answerOf()), record.seal(answerOf({ status: 400 }))]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(record.seal(answerOf({ status: 500 }))).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect((await record.answer())?.status).toBe(200);
    const [found] = (await folder.open()).all();
    await expect(found?.seal(answerOf({ status: 500 }))).rejects.toMatchObject({ code: 'spool_unwritable' });
  });

  it('that another process of the folder has finished is told to be so, and is no record any more', async () => {
    const ours = await folder.open();
    const record = await ours.begin(intentOf());
    await record.seal(answerOf());
    await (await folder.open()).all()[0]?.remove();
    const again = await folder.open();
    expect(await record.answer()).toBeUndefined();
    expect(ours.all()).toEqual([]);
    expect(again.unreadable()).toEqual([]);
  });

  it('found without an answer after a restart can be sealed', async () => {
    await (await folder.open()).begin(intentOf());
    const [found] = (await folder.open()).all();
    expect(found?.state).toBe('intent');
    await found?.seal(answerOf());
    expect((await (await folder.open()).all()[0]?.answer())?.status).toBe(200);
  });

  it('goes with its file when it is removed, and is not missed twice', async () => {
    const spool = await folder.open();
    const record = await spool.begin(intentOf());
    await record.seal(answerOf());
    await record.remove();
    await record.remove();
    expect(folder.files()).toEqual([]);
    expect(spool.all()).toEqual([]);
    expect((await folder.open()).stats()).toEqual({
      records: 0,
      answered: 0,
      unreadable: 0,
      oldestAt: null,
      oldestAnsweredAt: null,
    });
  });
});

describe('a spool', () => {
  it('knows its records by connection and age', async () => {
    const spool = await folder.open();
    const [older, newer, other] = [
      intentOf({ connection: 'c', startedAt: 1_000 }),
      intentOf({ connection: 'c', startedAt: 2_000 }),
      intentOf({ connection: 'd', startedAt: 1_500 }),
    ];
    for (const intent of [newer, other, older]) await spool.begin(intent);
    await spool.recordsOf('d')[0]?.seal(answerOf());
    for (const known of [spool, await folder.open()]) {
      expect(known.all().map(({ intent }) => intent.startedAt)).toEqual([1_000, 1_500, 2_000]);
      expect(known.recordsOf('c').map(({ intent }) => intent.attempt)).toEqual([older.attempt, newer.attempt]);
      expect(known.stats()).toEqual({
        records: 3,
        answered: 1,
        unreadable: 0,
        oldestAt: 1_000,
        oldestAnsweredAt: 1_500,
      });
    }
  });

  it('holds every one of many begun at once, each in a whole file', async () => {
    const spool = await folder.open();
    const intents = Array.from({ length: 60 }, () => intentOf());
    const records = await Promise.all(intents.map((intent) => spool.begin(intent)));
    await Promise.all(records.map((record, place) => record.seal(answerOf({ status: 200 + place }))));
    const again = await folder.open();
    expect(again.unreadable()).toEqual([]);
    for (const [place, intent] of intents.entries())
      expect((await again.recordsOf(intent.connection)[0]?.answer())?.status).toBe(200 + place);
  });

  it('clears away what was begun long ago and never made whole, and nothing else', async () => {
    await (await folder.open()).begin(intentOf());
    const unfinished = join(folder.directory, `${intentOf().attempt}.rec.tmp`);
    writeFileSync(unfinished, 'half a header');
    utimesSync(unfinished, 1_700_000_000, 1_700_000_000);
    writeFileSync(join(folder.directory, 'notes.txt'), 'of the operator');
    const spool = await folder.open();
    expect(readdirSync(folder.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(readdirSync(folder.directory)).toContain('notes.txt');
    expect(spool.stats()).toMatchObject({ records: 1, unreadable: 0 });
  });

  it('leaves what another process may be making this moment', async () => {
    const unfinished = join(folder.directory, `${intentOf().attempt}.rec.tmp`);
    writeFileSync(unfinished, 'half a header');
    await folder.open();
    expect(readdirSync(folder.directory)).toContain(basename(unfinished));
  });

  it('opens what an older key sealed and seals with the newer one', async () => {
    const older = await (await folder.open()).begin(intentOf());
    await older.seal(answerOf());
    const spool = await folder.open({ keyring: ringBoth });
    const newer = await spool.begin(intentOf());
    await newer.seal(answerOf());
    expect(await Promise.all(spool.all().map((record) => record.answer()))).toEqual([answerOf(), answerOf()]);
    expect((await folder.open()).unreadable()).toMatchObject([
      { connection: newer.intent.connection, why: 'key_missing' },
    ]);
  });
});

describe('an attempt id used twice', () => {
  it('never takes the first one’s record, whether it is under way, found or only a file', async () => {
    const spool = await folder.open();
    const intent = intentOf();
    const [first, second] = await Promise.allSettled([spool.begin(intent), spool.begin(intent)]);
    expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected']);
    await spool.all()[0]?.seal(answerOf());
    await expect(spool.begin(intent)).rejects.toMatchObject({ code: 'spool_unwritable' });
    await expect((await folder.open()).begin(intent)).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect(await (await folder.open()).all()[0]?.answer()).toEqual(answerOf());
  });

  it('is refused where its unfinished file is there already, be it a link', async () => {
    const spool = await folder.open();
    const intent = intentOf();
    symlinkSync(join(folder.directory, 'elsewhere'), join(folder.directory, `${intent.attempt}.rec.tmp`));
    await expect(spool.begin(intent)).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect(readdirSync(folder.directory)).toEqual([`${intent.attempt}.rec.tmp`]);
  });
});
