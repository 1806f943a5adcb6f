/**
 * Makes tokens as long and as odd as each provider's, all with the same mark in them, so that a search of logs, Redis and
 * disks for the mark finds any token that leaked.
 */
import type { Random } from '../../runtime/random.ts';

/** In every token the sandbox issues. */
export const tokenMark = 'PLTOKEN';

/** How a provider's tokens look. `jwt`: long and in three parts; `starred`: short, ending in an asterisk; `plain`: neither. */
export type TokenShape = 'jwt' | 'starred' | 'plain';

export function mintToken(shape: TokenShape, kind: 'refresh' | 'access', random: Random): string {
  const text = (bytes: number) => random.bytes(bytes).toString('base64url');
  switch (shape) {
    case 'jwt':
      return `eyJ0eXAiOiJNVCIsImFsZyI6IlJTMjU2In0.${tokenMark}${text(225)}.${text(256)}`;
    case 'starred':
      return `3AAABL${tokenMark}${text(60)}${kind === 'refresh' ? '*' : ''}`;
    case 'plain':
      return `${tokenMark}${text(32)}`;
  }
}
