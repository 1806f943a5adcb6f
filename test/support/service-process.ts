/** The real process on a file store of its own, and what must be when it is told to stop, whatever became of Redis. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Closers } from '../../src/runtime/closers.ts';
import { startWorker, type WorkerProcess } from '../faults/processes/worker-process.ts';
import { nodePassword } from './redis-process.ts';

export type Role = 'all' | 'scheduler' | 'worker';
/** By URL, or the section `redis` of the configuration with the password of the test's servers. */
export type Place = { readonly url: string } | { readonly cluster: unknown } | { readonly sentinel: object };

/** Ended, and its folder removed, by the closers. */
export function startService(place: Place, closers: Closers, role: Role = 'all'): WorkerProcess {
  const directory = mkdtempSync(join(tmpdir(), 'pilotlight-service-'));
  closers.push('directory', () => rmSync(directory, { recursive: true, force: true }));
  const [configFile, passwordFile] = [join(directory, 'pilotlight.yaml'), join(directory, 'password')];
  writeFileSync(passwordFile, nodePassword, { mode: 0o600 });
  const settings = {
    dataDir: join(directory, 'data'),
    store: { kind: 'file' },
    web: { port: 0 },
    ...('url' in place ? {} : { redis: { ...withPassword(place, passwordFile), passwordFile } }),
  };
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(settings), { mode: 0o600 });
  const spool = join(directory, 'data', 'spool');
  const env = 'url' in place ? { REDIS_URL: place.url } : {};
  const service = startWorker({ name: 'service', configFile, spool, role, env });
  closers.push('service', () => service.kill());
  return service;
}

const withPassword = (place: Exclude<Place, { url: string }>, passwordFile: string) =>
  'sentinel' in place ? { sentinel: { ...place.sentinel, passwordFile } } : place;

/** Far below a pod's grace period. */
const stopMsMax = 10_000;

/** SIGTERM: it ends by itself and soon, says that nothing was left, and nothing had to be left behind. */
export async function expectEndsSoon(service: WorkerProcess): Promise<void> {
  const toldMs = performance.now();
  service.signal('SIGTERM');
  expect(await service.gone).toBe('exit code 0');
  expect(performance.now() - toldMs).toBeLessThan(stopMsMax);
  expect(await service.said('service.stopped')).toMatchObject({ left: 0 });
  expect(service.lines().filter(({ event }) => event === 'close.overdue')).toEqual([]);
}
