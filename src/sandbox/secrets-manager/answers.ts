/** Pieces that several answers share, in the form AWS JSON 1.1 writes them. */
import type { Face } from './state.ts';

/** Epoch seconds with a fraction. */
export function wireTime(atMs: number): number {
  return atMs / 1000;
}

/** Version id to labels; versions without a label are not shown. */
export function stagesByVersion(face: Face): Readonly<Record<string, readonly string[]>> | undefined {
  const labelled = face.versions.filter((version) => version.stages.length > 0);
  if (labelled.length === 0) return undefined;
  return Object.fromEntries(labelled.map((version) => [version.id, version.stages]));
}

export function tagAnswer(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
