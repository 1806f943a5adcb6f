/**
 * Which secrets of a store are connections: those with a tag, or those under a name prefix. Both stores decide it here,
 * because Secrets Manager's own filters match tag keys and values independently and by prefix.
 */
export type Find = { readonly tagKey: string; readonly tagValue: string } | { readonly namePrefix: string };

export function isManaged(find: Find, name: string, tags: Readonly<Record<string, string>>): boolean {
  if ('namePrefix' in find) return name.startsWith(find.namePrefix);
  return Object.hasOwn(tags, find.tagKey) && tags[find.tagKey] === find.tagValue;
}
