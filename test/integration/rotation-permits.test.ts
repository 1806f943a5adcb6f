/** When a rotation waits for its pace: before the POST for everything, after it for nothing. Recovery has a share of its own. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RotationPorts } from '../../src/rotation/attempt.ts';
import { recover } from '../../src/rotation/recover.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { expectSettled, startAcmeBench } from '../support/acme-bench.ts';
import type { RotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
let happened: string[];
beforeEach(async () => {
  bench = await startAcmeBench();
  happened = [];
});
afterEach(() => bench.stop());

/** The bench's ports, noting what is waited for, posted and written. */
function noting(): RotationPorts {
  const ports = bench.ports();
  return {
    ...ports,
    permits: {
      async request(provider, perSecond, signal) {
        happened.push('request');
        await ports.permits.request(provider, perSecond, signal);
      },
      async writes(count, share, signal) {
        happened.push(`${share} ${count}`);
        await ports.permits.writes(count, share, signal);
      },
    },
    endpoint: {
      ...ports.endpoint,
      send(request) {
        happened.push('POST');
        return ports.endpoint.send(request);
      },
    },
    store: {
      ...ports.store,
      async put(name, version) {
        happened.push(`put ${version.stages.join()}`);
        await ports.store.put(name, version);
      },
      async moveStage(name, move) {
        happened.push(`move ${move.stage}`);
        await ports.store.moveStage(name, move);
      },
    },
  };
}

const run = (ports: RotationPorts) =>
  rotate({ connection: 'acme', reason: 'due' }, ports, bench.settings, new AbortController().signal);

test('a rotation takes its permits before the POST, the one for the proof that writing works among them, and none after it', async () => {
  expect(await run(noting())).toMatchObject({ outcome: 'rotated' });
  expect(happened).toEqual([
    'request',
    'rotation 3',
    'put PILOTLIGHT_PROBE',
    'POST',
    'put PILOTLIGHT_PENDING',
    'move AWSCURRENT',
  ]);
});

test('a job that is not due takes none', async () => {
  expect(await run(bench.ports())).toMatchObject({ outcome: 'rotated' });
  await bench.redis.redis.del('{pilotlight}:cool:acme');
  expect(await run(noting())).toMatchObject({ outcome: 'notDue' });
  expect(happened).toEqual([]);
});

test('recovery takes two, from its own share, and posts nothing', async () => {
  await bench.crash('acme', 'sealed');
  for await (const report of recover(noting(), bench.settings)) expect(report).toMatchObject({ outcome: 'rotated' });
  expect(happened).toEqual(['recovery 2', 'put PILOTLIGHT_PENDING', 'move AWSCURRENT']);
  await expectSettled(bench);
});
