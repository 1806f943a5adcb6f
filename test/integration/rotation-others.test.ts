/**
 * Others who write to the same secret (bad-inputs 4b, 86): nobody's newer token is ever overwritten, and ours is never dropped.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { expectWell, startAcmeBench } from '../support/acme-bench.ts';
import { day, minute, type RotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench();
});
afterEach(() => bench.stop());

const live = () => bench.sandbox.oracle.liveToken('acme');
const labelled = (label: string) =>
  bench.double.secrets.versions('acme').filter(({ stages }) => stages.some((one) => one.startsWith(label)));
const tokenIn = (value: string | Buffer | undefined) =>
  (JSON.parse(String(value)) as Record<string, unknown>).refresh_token;

describe('the application saves another field while we rotate', () => {
  test.each([
    'answered',
    'putting',
    'swapping',
  ] as const)('when we are at %s: our token goes into their document', async (step) => {
    const met: string[] = [];
    bench.at(step, () => void met.push(bench.save('acme', { note: 'saved meanwhile' })));
    const report = await bench.rotate('acme');
    expect(met).toHaveLength(1);
    expect(report).toMatchObject({ outcome: 'rotated', foreign: 'saved_other_field' });
    expect(bench.document('acme')).toMatchObject({ note: 'saved meanwhile', pilotlight: { from: met[0] } });
    expect(labelled(stage.orphanPrefix)).toEqual([]);
    await expectWell(bench);
  });

  test('before the last look: nothing is posted, and the next attempt starts from theirs', async () => {
    bench.at('intended', () => void bench.save('acme', { note: 'saved before' }));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'busy' });
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    expect(await bench.spoolFiles()).toEqual([]);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme')).toMatchObject({ note: 'saved before' });
    await expectWell(bench);
  });

  test('again and again: the swap is tried from each of theirs, and what does not end is left to recovery', async () => {
    let saves = 0;
    const again = () => {
      bench.save('acme', { note: ++saves });
      if (saves < 8) bench.at('swapping', again);
    };
    bench.at('swapping', again);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'sealed', reason: 'store_conflict' });
    await bench.recover();
    await bench.recover();
    expect(bench.document('acme').note).toBe(saves);
    expect(saves).toBe(8);
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    await expectWell(bench);
  });
});

describe('somebody brings a different token while we rotate', () => {
  const theirs = 'a token of the application';

  test('theirs stays current and ours is kept under a label of its own', async () => {
    bench.at('swapping', () => void bench.save('acme', { refresh_token: theirs }));
    const report = await bench.rotate('acme');
    expect(report).toMatchObject({ outcome: 'orphaned', foreign: 'refreshed' });
    expect(bench.document('acme').refresh_token).toBe(theirs);
    const [orphan, ...more] = labelled(stage.orphanPrefix);
    expect(more).toEqual([]);
    expect(orphan?.stages).toEqual([`${stage.orphanPrefix}${report.attempt?.slice(0, 8)}`]);
    expect(tokenIn(orphan?.value)).toBe(live());
    expect(labelled(stage.pending)).toEqual([]);
    expect(await bench.spoolFiles()).toEqual([]);
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
  });

  test('while our put is lost: recovery keeps theirs, and ours as an orphan', async () => {
    bench.at('answered', () => {
      bench.double.faults.add({
        op: 'PutSecretValue',
        secret: 'acme',
        times: 1_000,
        what: { error: 'AccessDeniedException' },
      });
    });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'sealed' });
    bench.save('acme', { refresh_token: theirs });
    bench.double.faults.clear();
    expect(await bench.recover()).toMatchObject([{ outcome: 'orphaned' }]);
    expect(bench.document('acme').refresh_token).toBe(theirs);
    expect(tokenIn(labelled(stage.orphanPrefix)[0]?.value)).toBe(live());
    expect(await bench.spoolFiles()).toEqual([]);
  });

  test('at most five orphans are kept, the newest ones, and none for longer than 30 days', async () => {
    for (let round = 0; round < 7; round++) {
      const { refreshToken } = bench.sandbox.oracle.applicationRefresh('acme');
      bench.save('acme', { refresh_token: refreshToken, refreshed_at: new Date(bench.clock.now()).toISOString() });
      bench.clock.turn(minute);
      bench.at('swapping', () => void bench.save('acme', { refresh_token: `${theirs} ${round}` }));
      expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'orphaned' });
      expect(labelled(stage.orphanPrefix)).toHaveLength(Math.min(round + 1, 5));
    }
    expect(tokenIn(labelled(stage.orphanPrefix).at(-1)?.value)).toBe(live());
    bench.clock.turn(31 * day);
    bench.connect({ provider: 'docusign', connection: 'acme-2', scope: 'signature extended' });
    const { refreshToken } = bench.sandbox.grants.create({
      provider: 'docusign',
      connection: 'acme',
      scope: 'signature extended',
      client: { clientId: 'rig-client', clientSecret: '' },
    });
    bench.save('acme', { refresh_token: refreshToken, consented_at: new Date(bench.clock.now()).toISOString() });
    bench.at('swapping', () => void bench.save('acme', { refresh_token: `${theirs} last` }));
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'orphaned' });
    expect(labelled(stage.orphanPrefix)).toHaveLength(1);
  });

  test('the customer consents again while we rotate: the new consent is current', async () => {
    let consented = '';
    bench.at('answered', () => {
      consented = bench.sandbox.grants.create({
        provider: 'docusign',
        connection: 'acme',
        scope: 'signature extended',
        client: { clientId: 'rig-client', clientSecret: '' },
      }).refreshToken;
      bench.save('acme', { refresh_token: consented, consented_at: new Date(bench.clock.now()).toISOString() });
    });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'orphaned' });
    expect(bench.document('acme').refresh_token).toBe(consented);
    bench.clock.turn(12 * day);
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectWell(bench);
  });
});

describe('the application refreshes by itself', () => {
  async function refreshByItself() {
    const { refreshToken } = bench.sandbox.oracle.applicationRefresh('acme');
    bench.save('acme', { refresh_token: refreshToken, refreshed_at: new Date(bench.clock.now()).toISOString() });
    await bench.inventory();
  }

  test('often enough: it is never due, and refreshed by us once it stops, with no orphan made of our earlier version', async () => {
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    for (let round = 0; round < 3; round++) {
      bench.clock.turn(5 * day);
      await refreshByItself();
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
    }
    expect(bench.sandbox.oracle.presentations('acme').filter(({ by }) => by === 'service')).toHaveLength(1);
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
    bench.clock.turn(10 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(labelled(stage.orphanPrefix)).toEqual([]);
    await expectWell(bench);
  });

  test('just before our last look: nothing of ours is posted', async () => {
    bench.at('intended', refreshByItself);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'busy' });
    expect(bench.sandbox.oracle.presentations('acme').filter(({ by }) => by === 'service')).toEqual([]);
    await expectWell(bench);
  });

  test('just before our request: the refusal is no suspicion, because their token is current', async () => {
    bench.at('posting', refreshByItself);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater', reason: 'busy', foreign: 'refreshed' });
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
    expect((await bench.services.clients.list())[0]?.health.suspects).toBe(0);
    await expectWell(bench);
  });
});
