/** The simulated disk leaves behind what a real one may: nothing half made under a record's name, torn and landed writes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/runtime/random.ts';
import { openDiskSpool } from '../../src/spool/disk.ts';
import type { Calls, PortCall } from '../faults/sim/call.ts';
import { createSimDisk, type SimDisk } from '../faults/sim/files.ts';
import { answerOf, canary, intentOf, ringA } from '../support/fakes/spool-files.ts';

const plainly: Calls = async (call) => call.effect();
/** Tears one call as the end of its process would, and never answers. */
function tearing(name: string, fraction: number) {
  const torn = Promise.withResolvers<void>();
  const calls: Calls = <T>(call: PortCall<T>) => {
    if (call.name !== name) return Promise.resolve(call.effect());
    call.torn?.(fraction);
    torn.resolve();
    return new Promise<T>(() => {});
  };
  return { calls, torn: torn.promise };
}
const spoolOn = (disk: SimDisk, calls: Calls = plainly) =>
  openDiskSpool({
    files: disk.bind(calls),
    keyring: ringA,
    install: 'test',
    answerSpaceBytes: 2_048,
    random: seededRandom(1),
  });

let disk: SimDisk;
beforeEach(() => {
  disk = createSimDisk();
});

describe('the spool over it', () => {
  it('finds after a restart what was sealed', async () => {
    const record = await (await spoolOn(disk)).begin(intentOf());
    await record.seal(answerOf());
    const [found] = (await spoolOn(disk)).all();
    expect((await found?.answer())?.body.toString()).toContain(canary);
  });

  it('finds no record whose making was cut', async () => {
    const { calls, torn } = tearing('disk.create', 0.5);
    void (await spoolOn(disk, calls)).begin(intentOf());
    await torn;
    const again = await spoolOn(disk);
    expect([again.all(), again.unreadable()]).toEqual([[], []]);
  });

  it.each([0.8, 0])('takes an answer torn at %d of its bytes for none', async (fraction) => {
    const { calls, torn } = tearing('disk.write', fraction);
    const record = await (await spoolOn(disk, calls)).begin(intentOf());
    void record.seal(answerOf({ body: Buffer.alloc(700, 'x') }));
    await torn;
    const again = await spoolOn(disk);
    expect(again.all()).toMatchObject([{ state: 'intent', torn: fraction > 0 }]);
    expect(again.unreadable()).toEqual([]);
  });

  it('of a write over several pages a later one may be there without the first', async () => {
    const { calls, torn } = tearing('disk.write', 0.9);
    const record = await (await spoolOn(disk, calls)).begin(intentOf());
    void record.seal(answerOf({ body: Buffer.alloc(6_000, 'x') }));
    await torn;
    const [bytes] = disk.files.values();
    expect(bytes?.subarray(4_096, 8_192).every((byte) => byte === 0)).toBe(true);
    expect(bytes?.subarray(8_192).some((byte) => byte !== 0)).toBe(true);
    expect((await spoolOn(disk)).all()).toMatchObject([{ state: 'intent', torn: true }]);
  });
});

describe('a file', () => {
  it('is never made over another one', async () => {
    const files = disk.bind(plainly);
    await files.create('a', Buffer.from('1'));
    await expect(files.create('a', Buffer.from('2'))).rejects.toMatchObject({ code: 'EEXIST' });
    expect((await files.read('a')).toString()).toBe('1');
  });

  it('can be written within what it has while the disk is full, and not beyond', async () => {
    const files = disk.bind(plainly);
    const file = await files.create('a', Buffer.alloc(8));
    disk.full = true;
    await file.write(Buffer.from('12345678'), 0);
    await expect(file.write(Buffer.from('9'), 8)).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(files.create('b', Buffer.alloc(1))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await files.read('a')).toString()).toBe('12345678');
  });

  it('of which a write was refused may hold it all the same', async () => {
    let refused = 0;
    const files = disk.bind(async (call) => {
      const answer = call.effect();
      if (call.name !== 'disk.write') return answer;
      refused += 1;
      return call.failed();
    });
    const file = await files.create('a', Buffer.alloc(4));
    await expect(file.write(Buffer.from('1234'), 0)).rejects.toMatchObject({ code: 'EIO' });
    expect([refused, (await files.read('a')).toString()]).toEqual([1, '1234']);
  });

  it('taken away is back after the power was gone, unless the folder was synced since', async () => {
    const files = disk.bind(plainly);
    await files.create('a', Buffer.from('1'));
    await files.remove('a');
    expect(disk.losePower()).toEqual(['a']);
    await files.remove('a');
    await files.create('b', Buffer.from('2'));
    expect(disk.losePower()).toEqual([]);
    expect(await files.names()).toEqual(['b']);
  });

  it('is gone with a disk that was thrown away', async () => {
    const files = disk.bind(plainly);
    const file = await files.create('a', Buffer.from('1'));
    disk.throwAway();
    await expect(file.write(Buffer.from('2'), 0)).rejects.toMatchObject({ code: 'EIO' });
    expect([await files.read('a'), await files.names()]).toEqual(['file_missing', []]);
    await expect(files.create('b', Buffer.from('2'))).rejects.toMatchObject({ code: 'EIO' });
  });
});
