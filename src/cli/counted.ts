/** Counts with their nouns. */

/** `1 connection`, `2 connections`, `2 entries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
