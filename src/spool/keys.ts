/** The ring of sealing keys as files: `<id>.key` in one folder; the one that seals is named by config, or is the only one. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PilotlightError } from '../runtime/errors.ts';
import { loadKey, loadOrCreateKey } from '../runtime/key-file.ts';
import type { Random } from '../runtime/random.ts';
import type { Keyring } from './keyring.ts';

export interface KeyringFiles {
  readonly directory: string;
  /** Id of the key that seals; needed as soon as there are several. */
  readonly sealWith?: string | undefined;
  /** Makes a first key where there is none: for one machine on its own, never where several share the ring. */
  readonly createFirst: boolean;
  readonly random: Random;
}

const suffix = '.key';
const firstId = 'first';

/** Loads the ring. Throws config_invalid naming the folder and the fix. */
export async function loadKeyring({ directory, sealWith, createFirst, random }: KeyringFiles): Promise<Keyring> {
  const names = await readdir(directory).catch((cause: { code?: unknown }) => {
    if (cause.code === 'ENOENT') return [];
    throw new PilotlightError(
      'config_invalid',
      `cannot read the folder of sealing keys ${directory}: check its owner and mode`,
      { cause },
    );
  });
  const ids = names
    .filter((name) => name.endsWith(suffix) && !name.startsWith('.'))
    .map((name) => name.slice(0, -suffix.length));
  if (ids.length === 0) {
    if (!createFirst)
      throw new PilotlightError(
        'config_invalid',
        `no sealing key in ${directory}: put one there as <id>.key (openssl rand -base64 32)`,
      );
    const key = await loadOrCreateKey(join(directory, firstId + suffix), random);
    return { sealWith: firstId, keys: new Map([[firstId, key]]) };
  }
  const keys = new Map<string, Uint8Array>();
  for (const id of ids.sort()) {
    const key = await loadKey(join(directory, id + suffix));
    if (key !== undefined) keys.set(id, key);
  }
  const chosen = sealWith ?? (ids.length === 1 ? ids[0] : undefined);
  if (chosen === undefined)
    throw new PilotlightError(
      'config_invalid',
      `several keys in ${directory}: say which one seals (spool.keys.sealWith: ${ids.join(' | ')})`,
    );
  if (!keys.has(chosen))
    throw new PilotlightError(
      'config_invalid',
      `spool.keys.sealWith names ${chosen}, but there is no ${join(directory, chosen + suffix)}`,
    );
  return { sealWith: chosen, keys };
}
