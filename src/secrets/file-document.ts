/**
 * One secret of the file store as a value: versions, labels and tags, with Secrets Manager's rules. Every function returns
 * a new document, or the same one where nothing changes; it throws before anything has moved.
 */
import { type SecretValue, type SecretVersion, stage, type VersionSummary } from '../rotation/ports.ts';
import { PilotlightError } from '../runtime/errors.ts';
import { Secret } from '../runtime/secret.ts';

export interface StoredVersion {
  readonly versionId: string;
  /** Epoch ms, calendar time. */
  readonly createdAt: number;
  readonly stages: readonly string[];
  /** One of the two: the form a value came in is the form it goes out. */
  readonly text?: string;
  readonly base64?: string;
}

export interface SecretDocument {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: readonly StoredVersion[];
  /** Ids of the last writes, newest last; lets a writer see whether its write lives on (see file-disk.ts). */
  readonly writes: readonly string[];
}

/** Versions kept; beyond it those without a label go, oldest first. */
const versionsKept = 20;
/** Labelled versions a secret can have; more would be a leak of labels. */
const versionsMax = 100;
const stagesMax = 20;
const valueBytesMax = 65_536;
const tagsMax = 50;

function invalid(document: SecretDocument, problem: string): PilotlightError {
  return new PilotlightError('store_invalid', `the secret ${document.name} was not changed: ${problem}`);
}

export function holderOf(document: SecretDocument, label: string): StoredVersion | undefined {
  return document.versions.find((version) => version.stages.includes(label));
}

export function versionOf(document: SecretDocument, versionId: string): StoredVersion | undefined {
  return document.versions.find((version) => version.versionId === versionId);
}

function stored(value: SecretValue): { readonly text: string } | { readonly base64: string } {
  return 'text' in value ? { text: value.text.reveal() } : { base64: value.binary.toString('base64') };
}

export function summaryOf(version: StoredVersion): VersionSummary {
  return { versionId: version.versionId, stages: version.stages, createdAt: version.createdAt };
}

export function readable(version: StoredVersion): SecretVersion {
  const { text, base64 = '' } = version;
  const value = text === undefined ? { binary: Buffer.from(base64, 'base64') } : { text: new Secret(text) };
  return { ...summaryOf(version), value };
}

function place(versions: readonly StoredVersion[], label: string, to: string | undefined): readonly StoredVersion[] {
  return versions.map((version) => {
    const has = version.stages.includes(label);
    if (has === (version.versionId === to)) return version;
    const others = version.stages.filter((held) => held !== label);
    return { ...version, stages: has ? others : [...others, label] };
  });
}

/** Puts a label on one version or on none; AWSPREVIOUS follows AWSCURRENT. */
function placeLabel(document: SecretDocument, label: string, to: string | undefined): SecretDocument {
  const former = holderOf(document, label)?.versionId;
  let versions = place(document.versions, label, to);
  if (label === stage.current && former !== undefined && former !== to)
    versions = place(versions, stage.previous, former);
  return { ...document, versions };
}

function prune(document: SecretDocument): SecretDocument {
  let excess = document.versions.length - versionsKept;
  const versions = document.versions.filter((version) => excess <= 0 || version.stages.length > 0 || excess-- <= 0);
  return { ...document, versions };
}

export interface NewVersion {
  readonly versionId: string;
  readonly value: SecretValue;
  readonly stages: readonly string[];
}

function assertAcceptable(document: SecretDocument, made: NewVersion): void {
  const bytes = 'text' in made.value ? Buffer.byteLength(made.value.text.reveal()) : made.value.binary.length;
  if (bytes === 0) throw invalid(document, 'a value cannot be empty');
  if (bytes > valueBytesMax) throw invalid(document, `a value has ${valueBytesMax} bytes at most`);
  if (made.versionId.length < 32 || made.versionId.length > 64)
    throw invalid(document, 'a version id has 32 to 64 characters');
  if (made.stages.length === 0 || made.stages.length > stagesMax)
    throw invalid(document, `a version has 1 to ${stagesMax} labels`);
  if (made.stages.some((label) => label === '' || label.length > 256))
    throw invalid(document, 'a label has 1 to 256 characters');
}

/** A version under the id and labels given; the same id with the same value is a success without change. */
export function put(document: SecretDocument, made: NewVersion, now: number): SecretDocument {
  assertAcceptable(document, made);
  const value = stored(made.value);
  const existing = versionOf(document, made.versionId);
  if (existing !== undefined) {
    const same = 'text' in value ? existing.text === value.text : existing.base64 === value.base64;
    if (same) return document;
    throw new PilotlightError(
      'store_version_exists',
      `version ${made.versionId} of ${document.name} holds another value`,
    );
  }
  if (document.versions.filter((version) => version.stages.length > 0).length >= versionsMax) {
    throw new PilotlightError(
      'store_limit',
      `the secret ${document.name} has ${versionsMax} labelled versions already`,
    );
  }
  const version: StoredVersion = { versionId: made.versionId, createdAt: now, stages: [], ...value };
  let next: SecretDocument = { ...document, versions: [...document.versions, version] };
  const labels = new Set(document.versions.length === 0 ? [...made.stages, stage.current] : made.stages);
  for (const label of labels) next = placeLabel(next, label, made.versionId);
  return prune(next);
}

export interface StageMove {
  readonly stage: string;
  readonly to?: string | undefined;
  readonly from?: string | undefined;
}

/** Compare-and-swap of a label: it must be at `from`, or nothing changes. */
export function moveStage(document: SecretDocument, move: StageMove): SecretDocument {
  const { stage: label, from, to } = move;
  if (from === undefined && to === undefined) throw invalid(document, 'a label moves to a version, from one, or both');
  for (const id of [from, to]) {
    if (id !== undefined && versionOf(document, id) === undefined) {
      throw new PilotlightError('store_not_found', `the secret ${document.name} has no version ${id}`);
    }
  }
  const held = holderOf(document, label)?.versionId;
  if (from === undefined ? held !== undefined && held !== to : held !== from) {
    throw new PilotlightError('store_stage_moved', `${label} of ${document.name} is not where it was`);
  }
  if (to === undefined && label === stage.current)
    throw invalid(document, `${stage.current} can be moved, not taken away`);
  return held === to ? document : placeLabel(document, label, to);
}

export function tag(document: SecretDocument, tags: Readonly<Record<string, string>>): SecretDocument {
  for (const [key, value] of Object.entries(tags)) {
    if (key === '' || key.length > 128) throw invalid(document, 'a tag key has 1 to 128 characters');
    if (value.length > 256) throw invalid(document, 'a tag value has 256 characters at most');
  }
  const next = { ...document.tags, ...tags };
  if (Object.keys(next).length > tagsMax) throw invalid(document, `a secret has ${tagsMax} tags at most`);
  return { ...document, tags: next };
}

export function untag(document: SecretDocument, keys: readonly string[]): SecretDocument {
  const rest = Object.entries(document.tags).filter(([key]) => !keys.includes(key));
  return rest.length === Object.keys(document.tags).length ? document : { ...document, tags: Object.fromEntries(rest) };
}
