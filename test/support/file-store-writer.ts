/**
 * A second process for tests of the file store: `node file-store-writer.ts ROOT KEY NAME LABEL COUNT [PAUSE]`. Puts COUNT
 * versions under labels of its own and prints each id once it is stored. With PAUSE, a file's path, it stands still
 * between reading and writing until that file exists.
 */
import { existsSync, writeSync } from 'node:fs';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { createFileSecretStore } from '../../src/secrets/file.ts';
import { findManaged, text } from './store-fixture.ts';

const [root = '', key = '', name = '', label = '', count = '1', pause] = process.argv.slice(2);
const random = systemRandom();
let paused = false;

function standStill(until: string): void {
  paused = true;
  writeSync(1, 'paused\n');
  while (!existsSync(until)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

const store = createFileSecretStore({
  root,
  key: Buffer.from(key, 'hex'),
  clock: systemClock(),
  // The store asks for a write id between reading and writing.
  random: {
    ...random,
    uuid() {
      if (pause !== undefined && !paused) standStill(pause);
      return random.uuid();
    },
  },
  find: findManaged,
});

for (let i = 0; i < Number(count); i++) {
  const versionId = random.uuid();
  await store.put(name, { versionId, value: text(`value ${versionId}`), stages: [`${label}_${i % 30}`] });
  writeSync(1, `${versionId}\n`);
}
