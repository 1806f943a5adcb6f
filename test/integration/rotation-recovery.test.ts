/**
 * Recovery: what a dead process left on disk is brought to its end beside living workers, applications that write, a Redis that
 * forgot and files that cannot be read.
 */
import { copyFile, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectFinished, startAcmeBench } from '../support/acme-bench.ts';
import { day, hour, minute, type RotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench({ note: 'ours' });
});
afterEach(() => bench.stop());

describe('recovery', () => {
  test('leaves alone what a living worker still works on', async () => {
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    bench.at('sealed', () => {
      reached.resolve();
      return go.promise;
    });
    const running = bench.rotate('acme');
    await reached.promise;
    bench.clock.turn(minute);
    expect(await bench.recover()).toEqual([]);
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'busy' });
    go.resolve();
    expect(await running).toMatchObject({ outcome: 'rotated' });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    await expectFinished(bench);
  });

  test('finishes what another process of the same folder holds too, and neither trips over the other', async () => {
    await bench.crash('acme', 'sealed');
    const service = bench.ports();
    await bench.restart('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    expect(service.spool.all()).toHaveLength(1);
    expect(await bench.recover(service)).toEqual([]);
    expect(service.spool.all()).toEqual([]);
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
    await expectFinished(bench);
  });

  test('brings a sealed token to the store at once, though the dead process still holds the lease', async () => {
    await bench.crash('acme', 'sealed');
    await bench.redis.redis.set('{pilotlight}:lease:acme', 'of the dead', 'PX', 200_000);
    expect(await bench.recover()).toMatchObject([{ asked: 'recover', outcome: 'rotated' }]);
    expect(await bench.recover()).toEqual([]);
    await expectFinished(bench);
    expect(await bench.redis.redis.get('{pilotlight}:lease:acme')).toBe('of the dead');
  });

  test('waits for the lease of the dead with a request whose answer never came', async () => {
    await bench.crash('acme', 'posting');
    await bench.redis.redis.set('{pilotlight}:lease:acme', 'of the dead', 'PX', 200_000);
    bench.clock.turn(30 * minute);
    expect(await bench.recover()).toEqual([]);
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    expect(await bench.spoolFiles()).toHaveLength(1);
  });

  test('a record of long ago that comes back with its disk settles nothing that was spent after it', async () => {
    await bench.crash('acme', 'removing');
    const folder = bench.config.spool.directory;
    const [old = ''] = await readdir(folder);
    const bytes = await readFile(join(folder, old));
    await bench.recover();
    bench.clock.turn(12 * day);
    await bench.crash('acme', 'posting');
    const [newer] = await bench.spoolFiles();
    await writeFile(join(folder, old), bytes);
    await bench.restart('acme');
    await bench.recover();
    expect(await bench.spoolFiles()).toEqual([newer]);
    expect(bench.ports().spool.all()).toMatchObject([{ state: 'intent' }]);
  });

  test('needs neither index nor provider: Redis may have lost everything', async () => {
    await bench.crash('acme', 'sealed');
    await bench.flushRedis();
    bench.sandbox.faults.inject({ kind: 'refuse' });
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
    await expectFinished(bench);
  });

  test('puts the token into what the application saved meanwhile', async () => {
    for (const step of ['sealed', 'put'] as const) {
      await bench.crash('acme', step);
      bench.save('acme', { extra: step });
      expect(await bench.recover()).toMatchObject([{ outcome: 'rotated', foreign: 'saved_other_field' }]);
      expect(bench.document('acme')).toMatchObject({ extra: step });
      await expectFinished(bench);
      bench.clock.turn(12 * day);
    }
  });

  test('puts the token into what the application saved after the swap', async () => {
    await bench.crash('acme', 'swapped');
    bench.save('acme', { extra: 'saved after' });
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    expect(bench.document('acme')).toMatchObject({ extra: 'saved after' });
    await expectFinished(bench);
  });

  test('never takes the place of a newer token', async () => {
    await bench.crash('acme', 'swapped');
    const { refreshToken } = bench.sandbox.oracle.applicationRefresh('acme');
    bench.save('acme', { refresh_token: refreshToken });
    await bench.recover();
    expect(bench.document('acme').refresh_token).toBe(refreshToken);
    await expectFinished(bench);
  });

  test('one record that cannot be opened blocks its own connection and no other', async () => {
    bench.connect({ provider: 'docusign', connection: 'other', scope: 'signature extended' });
    await bench.inventory();
    bench.clock.turn(12 * day);
    await bench.crash('acme', 'sealed');
    const folder = bench.config.spool.directory;
    const [name = ''] = await readdir(folder);
    const path = join(folder, name);
    const whole = await readFile(path);
    const spoiled = Buffer.from(whole);
    spoiled.writeUInt8((spoiled.readUInt8(4_200) + 1) % 256, 4_200);
    await writeFile(path, spoiled);
    await bench.flushRedis();
    await bench.restart('acme');
    expect(bench.ports().spool.unreadable()).toMatchObject([{ connection: 'acme' }]);

    await bench.recover();
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'quarantined', reason: 'record_unreadable' });
    expect(await bench.entry('acme')).toMatchObject({ state: 'quarantined', reason: 'record_unreadable' });
    expect(await bench.rotate('other')).toMatchObject({ outcome: 'rotated' });
    expect(await bench.spoolFiles()).toEqual([name]);
    expect(bench.sandbox.oracle.presentations('acme')).toHaveLength(1);

    await writeFile(path, whole);
    await bench.restart('acme');
    expect(await bench.recover()).toMatchObject([{ connection: 'acme', outcome: 'rotated' }]);
    await expectFinished(bench);
  });

  test('an answer whose file is spoilt is finished from the mirror, and the file goes', async () => {
    await bench.crash('acme', 'sealed');
    const folder = bench.config.spool.directory;
    const [name = ''] = await readdir(folder);
    const spoiled = await readFile(join(folder, name));
    spoiled.writeUInt8((spoiled.readUInt8(4_200) + 1) % 256, 4_200);
    await writeFile(join(folder, name), spoiled);
    await bench.restart('acme');
    expect(bench.ports().spool.unreadable()).toMatchObject([{ connection: 'acme' }]);
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    expect(bench.ports().spool.unreadable()).toEqual([]);
    await expectFinished(bench);
  });

  test('what is no record at all harms nothing', async () => {
    await bench.crash('acme', 'sealed');
    const folder = bench.config.spool.directory;
    const [name = ''] = await readdir(folder);
    await copyFile(join(folder, name), join(folder, 'a-copy.rec'));
    await writeFile(join(folder, 'empty.rec'), '');
    await writeFile(join(folder, 'half.tmp'), 'PILOT');
    await utimes(join(folder, 'half.tmp'), 1_700_000_000, 1_700_000_000);
    await bench.restart('acme');
    expect(
      bench
        .ports()
        .spool.unreadable()
        .map(({ file }) => file)
        .sort(),
    ).toEqual(['a-copy.rec', 'empty.rec']);
    await rm(join(folder, 'a-copy.rec'));
    await rm(join(folder, 'empty.rec'));
    await bench.restart('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    await expectFinished(bench);
  });

  test('a disk that fails at the seal does not cost the token: it goes straight to the store', async () => {
    bench.at('answered', async () => {
      await rm(bench.config.spool.directory, { recursive: true });
    });
    const report = await bench.rotate('acme');
    expect(report.outcome).toBe('rotated');
    expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
  });

  test('a disk that takes no intent stops the rotation before the request', async () => {
    await rm(bench.config.spool.directory, { recursive: true });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater', reason: 'spool_unwritable' });
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    await bench.restart('acme');
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectFinished(bench);
  });
});
