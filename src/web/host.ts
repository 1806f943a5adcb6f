/**
 * The Host header against DNS rebinding: a page anywhere on the web can make a browser on this machine ask a loopback address
 * under the attacker's own name, and would then read the answer. Bound to loopback, only loopback's own names are answered.
 */
import { isIPv4 } from 'node:net';

/** True for an address only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** Whether a Host header names loopback or one of the names given. Any port: a forwarded port differs from ours. */
export function allowsHost(header: string | undefined, names: readonly string[]): boolean {
  const match = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(header ?? '');
  const name = match?.[1]?.toLowerCase();
  if (name === undefined) return false;
  return isLoopback(name) || names.some((allowed) => allowed.toLowerCase() === name);
}
