/** A disk that refuses at the worst moment, and answers that broke off: what is promised of a seal, and what is left after a restart. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAnswer } from '../../src/oauth/answer.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { openDiskSpool } from '../../src/spool/disk.ts';
import { openDiskFiles } from '../../src/spool/disk-files.ts';
import type { SpoolFile, SpoolFiles } from '../../src/spool/files.ts';
import { answerOf, canary, intentOf, ringA, type SpoolFolder, spoolFolder } from '../support/fakes/spool-files.ts';
import { providerFile } from '../support/shipped-providers.ts';

let folder: SpoolFolder;
beforeEach(() => {
  folder = spoolFolder();
});
afterEach(() => folder.remove());

const eio = () => Object.assign(new Error('the disk failed'), { code: 'EIO' });

/** The real files, with one call of them failing once; counts how often it was asked for. */
async function spoolOver(change: (files: SpoolFiles) => SpoolFiles) {
  const files = change(await openDiskFiles(folder.directory));
  return openDiskSpool({ files, keyring: ringA, install: 'test', answerSpaceBytes: 8_192, random: seededRandom(3) });
}

/** Writes fail once: before any byte is on the disk, or behind the last one. */
function failingWrites(files: SpoolFiles, lands: boolean, failed: { times: number }): SpoolFiles {
  const failing = (file: SpoolFile): SpoolFile => ({
    async write(bytes, position) {
      if (failed.times > 0) return file.write(bytes, position);
      failed.times += 1;
      if (lands) await file.write(bytes, position);
      throw eio();
    },
    close: () => file.close(),
  });
  return { ...files, create: async (name, bytes) => failing(await files.create(name, bytes)) };
}

describe('an fsync that failed once', () => {
  it.each([false, true])('at a seal is a failure for good, whatever reached the disk (it did: %s)', async (lands) => {
    const failed = { times: 0 };
    const spool = await spoolOver((files) => failingWrites(files, lands, failed));
    const record = await spool.begin(intentOf());
    await expect(record.seal(answerOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect(failed.times).toBe(1);
    // The disk would take it now. What it said before is not undone by that.
    await expect(record.seal(answerOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect(record.state).toBe('intent');
    expect(spool.stats()).toMatchObject({ records: 1, answered: 0 });
    // What the mirror is given still holds the answer.
    expect((await record.compact())?.length).toBeGreaterThan(canary.length);
    const second = await spool.begin(intentOf({ connection: record.intent.connection }));
    await second.seal(answerOf());
    await spool.close();
    const found = (await folder.open()).recordsOf(record.intent.connection);
    expect(found.map(({ state }) => state)).toEqual([lands ? 'answered' : 'intent', 'answered']);
    expect(await found[1]?.answer()).toEqual(answerOf());
  });

  it('at the making of a record leaves none, on the disk or in mind', async () => {
    let failed = 0;
    const spool = await spoolOver((files) => ({
      ...files,
      async create(name, bytes) {
        if (failed > 0) return files.create(name, bytes);
        failed += 1;
        // As disk-files does where its folder cannot be synced: what was made is taken away again.
        await (await files.create(name, bytes)).close();
        await files.remove(name);
        throw eio();
      },
    }));
    const intent = intentOf();
    await expect(spool.begin(intent)).rejects.toMatchObject({
      code: 'spool_unwritable',
      message: expect.stringContaining('EIO'),
    });
    expect(failed).toBe(1);
    expect(folder.files()).toEqual([]);
    expect(spool.stats()).toMatchObject({ records: 0 });
    await (await spool.begin(intent)).seal(answerOf());
    expect(folder.files()).toHaveLength(1);
    await spool.close();
  });
});

describe('a file that is in the way', () => {
  it('of a record being made is not opened, not emptied and not taken away', async () => {
    const spool = await folder.open();
    const intent = intentOf();
    const unfinished = join(folder.directory, `${intent.attempt}.rec.tmp`);
    writeFileSync(unfinished, 'somebody else is writing this', { mode: 0o640 });
    await expect(spool.begin(intent)).rejects.toMatchObject({
      code: 'spool_unwritable',
      message: expect.stringContaining('EEXIST'),
    });
    expect(readFileSync(unfinished, 'utf8')).toBe('somebody else is writing this');
    expect(statSync(unfinished).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder.directory)).toEqual([`${intent.attempt}.rec.tmp`]);
  });
});

describe('an answer that broke off', () => {
  const provider = providerFile('docusign');
  const sent = { refreshToken: new Secret('PLTOKEN-sent-0815') };
  const whole = `{"access_token":"at-1234567890","refresh_token":"${canary}","expires_in":28800}`;

  it('is sealed like any other, and the token in it is found after a restart', async () => {
    const record = await (await folder.open()).begin(intentOf());
    const body = Buffer.from(whole.slice(0, whole.indexOf('"expires_in"')));
    await record.seal(answerOf({ body, complete: false }));
    const [found] = (await folder.open()).all();
    const answer = await found?.answer();
    if (answer === undefined) throw new Error('nothing was found');
    expect(answer).toMatchObject({ complete: false, body });
    const read = readAnswer(provider, answer, sent);
    expect(read).toMatchObject({ kind: 'granted', oddities: ['salvaged'] });
    expect(read.kind === 'granted' && read.refreshToken?.reveal()).toBe(canary);
  });

  it('inside the token is kept too, and takes no half token for a whole one', async () => {
    const record = await (await folder.open()).begin(intentOf());
    const body = Buffer.from(whole.slice(0, whole.indexOf(canary) + canary.length - 1));
    await record.seal(answerOf({ body, complete: false }));
    const answer = await (await folder.open()).all()[0]?.answer();
    if (answer === undefined) throw new Error('nothing was found');
    expect(answer.body.equals(body)).toBe(true);
    expect(readAnswer(provider, answer, sent)).toMatchObject({ kind: 'refused', means: 'unknown' });
  });
});
