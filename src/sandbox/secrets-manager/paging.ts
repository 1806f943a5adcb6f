/** Page tokens: opaque to clients, a position to us. */
import { ServiceError } from './errors.ts';
import { type Input, optionalText } from './params.ts';

/** A page token. Opaque to clients; the check digit refuses one that was made up. */
export function tokenFor(position: number): string {
  return Buffer.from(`v1:${position}:${(position * 7919) % 9973}`).toString('base64url');
}

export function startOf(input: Input): number {
  const token = optionalText(input, 'NextToken', { max: 4096 });
  if (token === undefined) return 0;
  const position = Number(/^v1:(\d+):\d+$/.exec(Buffer.from(token, 'base64url').toString())?.[1]);
  if (!Number.isSafeInteger(position) || tokenFor(position) !== token) {
    throw new ServiceError('InvalidNextTokenException', 'The NextToken value is invalid.');
  }
  return position;
}
