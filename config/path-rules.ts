/** Folders must be apart: a key or a stored secret lying among spool records would be taken for a broken record. */
import { relative, sep } from 'node:path';
import type { Config } from './derive.ts';
import type { Finding } from './problem.ts';

/** Folders that are one, or that lie inside one another. */
export function pathFindings({ spool, store }: Config): Finding[] {
  const folders: [readonly string[], string][] = [
    [['spool', 'directory'], spool.directory],
    [['spool', 'keys', 'directory'], spool.keys.directory],
    ...(store.kind === 'file' ? [[['store', 'file', 'directory'], store.file.directory] as [string[], string]] : []),
  ];
  return folders.flatMap(([path, folder], index) =>
    folders.slice(0, index).flatMap(([otherPath, other]): Finding[] => {
      if (!inside(folder, other) && !inside(other, folder)) return [];
      return [{ path, message: `must be a folder apart from ${otherPath.join('.')}` }];
    }),
  );
}

function inside(folder: string, other: string): boolean {
  const way = relative(other, folder);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`));
}
