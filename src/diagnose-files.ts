/** Doctor's look at what lies on this machine: the keys can be read, and the spool can be written and synced. */
import { access, constants, open, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Check, Finding } from './diagnose.ts';
import { errorLabel, PilotlightError } from './runtime/errors.ts';
import { loadKey } from './runtime/key-file.ts';
import type { Services } from './services.ts';
import { answerStart } from './spool/format.ts';
import { loadKeyring } from './spool/keys.ts';

export function diagnoseFiles(services: Services): readonly Check[] {
  return [
    ['keys', () => keys(services)],
    ['spool', () => spool(services)],
  ];
}

async function keys({ config, deps }: Services): Promise<Finding> {
  const { directory, sealWith } = config.spool.keys;
  const ring = await loadKeyring({ directory, sealWith, createFirst: false, random: deps.random }).catch(
    (error: unknown) => {
      if (!deps.inKubernetes && errorLabel(error) === 'config_invalid') return undefined;
      throw error;
    },
  );
  if (ring === undefined)
    return (await exists(directory))
      ? { state: 'fail', detail: `no usable key in ${directory}`, fix: 'say which key seals (spool.keys.sealWith)' }
      : 'made at the first start';
  const fingerprints = await loadKey(config.spool.fingerprintKeyFile);
  if (fingerprints === undefined)
    return { state: 'fail', detail: 'no key of fingerprints', fix: `mount one at ${config.spool.fingerprintKeyFile}` };
  return `${ring.keys.size} to open, ${ring.sealWith} seals`;
}

/** Writes a file no spool would take for a record, syncs it and takes it away again. */
async function spool({ config, deps }: Services): Promise<Finding> {
  const { directory, answerBytes, unwrittenMax } = config.spool;
  if (!(await exists(directory))) return parentOf(directory);
  const file = join(directory, `.doctor-${deps.random.uuid()}`);
  try {
    const written = await open(file, 'wx', 0o600);
    try {
      await written.write(Buffer.alloc(answerStart));
      await written.sync();
    } finally {
      await written.close();
      await rm(file, { force: true });
    }
  } catch (error) {
    throw new PilotlightError(
      'spool_unwritable',
      `cannot write ${directory} (${errorLabel(error)}): check owner, mode, free space and that the volume is not read-only`,
    );
  }
  const { bavail, bsize } = await statfs(directory);
  const [freeBytes, neededBytes] = [bavail * bsize, (answerStart + answerBytes) * unwrittenMax];
  const detail = `writable, room for ${Math.min(1_000_000, Math.floor(freeBytes / (answerStart + answerBytes)))} answers`;
  if (freeBytes >= neededBytes) return detail;
  return {
    state: 'warn',
    detail,
    fix: `give it room for spool.unwrittenMax answers (${Math.ceil(neededBytes / 1e6)} MB)`,
  };
}

/** The service makes the folder when it starts: whether it may is all that can be asked now. */
async function parentOf(directory: string): Promise<Finding> {
  let parent = dirname(directory);
  while (!(await exists(parent)) && parent !== dirname(parent)) parent = dirname(parent);
  try {
    await access(parent, constants.W_OK | constants.X_OK);
    return 'made at the first start';
  } catch {
    throw new PilotlightError('spool_unwritable', `${directory} cannot be made in ${parent}: check its owner and mode`);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
