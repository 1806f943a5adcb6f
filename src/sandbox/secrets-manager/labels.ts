/**
 * Versions of one secret and their staging labels, as pure functions over immutable lists. A label sits on one version
 * only; AWSPREVIOUS follows AWSCURRENT by itself; the first version always becomes AWSCURRENT.
 */
import { invalidParameter, ServiceError, valueMissing } from './errors.ts';

export const current = 'AWSCURRENT';
export const previous = 'AWSPREVIOUS';

/** A value, or how to make it: a bench seeds a million secrets without holding a million values. */
export type StoredValue = string | Buffer | (() => string | Buffer);

export interface Version {
  readonly id: string;
  readonly value: StoredValue;
  /** Epoch ms, calendar time. */
  readonly createdAt: number;
  readonly stages: readonly string[];
}

/** How many versions a secret keeps. */
export interface VersionLimits {
  /** Above this count unlabelled versions are removed, oldest first. */
  readonly kept: number;
  /** None younger than this is removed (AWS: 24 hours). */
  readonly keptForMs: number;
  /** With this many that cannot be removed, a further version is refused. AWS gives no figure; 144 a day must fit. */
  readonly max: number;
}

/** Labels one version may carry. */
const stagesMax = 20;

export function contentOf(version: Version): string | Buffer {
  return typeof version.value === 'function' ? version.value() : version.value;
}

export function holder(versions: readonly Version[], stage: string): Version | undefined {
  return versions.find((version) => version.stages.includes(stage));
}

export function byId(versions: readonly Version[], id: string): Version | undefined {
  return versions.find((version) => version.id === id);
}

function place(versions: readonly Version[], stage: string, to: string | undefined): readonly Version[] {
  return versions.map((version) => {
    const has = version.stages.includes(stage);
    if (version.id === to) return has ? version : { ...version, stages: [...version.stages, stage] };
    return has ? { ...version, stages: version.stages.filter((held) => held !== stage) } : version;
  });
}

/** Puts a label on one version, or on none, and lets AWSPREVIOUS follow AWSCURRENT. */
function placeLabel(versions: readonly Version[], stage: string, to: string | undefined): readonly Version[] {
  const former = holder(versions, stage);
  const placed = place(versions, stage, to);
  if (stage !== current || former === undefined || former.id === to) return placed;
  return place(placed, previous, former.id);
}

/** Adds a version with the labels asked for; throws LimitExceededException where there is no room for it. */
export function addVersion(
  versions: readonly Version[],
  version: Omit<Version, 'stages'>,
  stages: readonly string[] | undefined,
  limits: VersionLimits,
): readonly Version[] {
  const wanted = new Set(stages ?? [current]);
  if (versions.length === 0) wanted.add(current);
  if (wanted.size > stagesMax) throw tooManyLabels();
  const room = prune(versions, limits, version.createdAt);
  if (room.length >= limits.max) {
    throw new ServiceError('LimitExceededException', 'You have exceeded the quota for versions of this secret.');
  }
  let result: readonly Version[] = [...room, { ...version, stages: [] }];
  for (const stage of wanted) result = placeLabel(result, stage, version.id);
  return prune(result, limits, version.createdAt);
}

function prune(versions: readonly Version[], limits: VersionLimits, now: number): readonly Version[] {
  let excess = versions.length - limits.kept;
  if (excess <= 0) return versions;
  return versions.filter((version) => {
    const removable = excess > 0 && version.stages.length === 0 && now - version.createdAt >= limits.keptForMs;
    if (removable) excess--;
    return !removable;
  });
}

function tooManyLabels(): ServiceError {
  return new ServiceError('LimitExceededException', `A version can have at most ${stagesMax} staging labels.`);
}

/**
 * UpdateSecretVersionStage: the label must be where the caller believes it to be, or nothing changes at all.
 * Everything is checked before anything moves.
 */
export function moveLabel(
  versions: readonly Version[],
  stage: string,
  from: string | undefined,
  to: string | undefined,
): readonly Version[] {
  if (from === undefined && to === undefined) {
    throw invalidParameter('You must specify MoveToVersionId, RemoveFromVersionId or both.');
  }
  for (const id of [from, to]) {
    if (id !== undefined && byId(versions, id) === undefined) throw valueMissing(`VersionId: ${id}`);
  }
  const held = holder(versions, stage);
  if (from !== undefined && held?.id !== from) {
    throw invalidParameter(`Staging label ${stage} isn't currently attached to version ${from}.`);
  }
  if (from === undefined && held !== undefined && held.id !== to) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ` +
        `${held.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  if (to === undefined && stage === current) {
    throw invalidParameter(
      "You can only move staging label AWSCURRENT to a different secret version. It can't be removed.",
    );
  }
  const target = to === undefined ? undefined : byId(versions, to);
  if (target !== undefined && !target.stages.includes(stage) && target.stages.length >= stagesMax)
    throw tooManyLabels();
  return placeLabel(versions, stage, to);
}
