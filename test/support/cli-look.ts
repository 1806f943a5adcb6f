/** Four connections to look at, and a look that sees to it that nothing was done and no token is shown. */
import { expect } from 'vitest';
import { type Called, canary, day, document, type Given, now, pilotlight } from './cli.ts';

export const iso = (at: number) => new Date(at).toISOString();

/** Four connections: fine, near its end, dead, and broken. */
export const four: Given = {
  secrets: {
    'acme/esign': { document: document(), tags: { 'pilotlight:owner': 'team-a' } },
    'globex/esign': { document: document({ refresh_token: `${canary}-2`, refreshed_at: iso(now - 28 * day) }) },
    'initech/esign': { document: document({ refresh_token: `${canary}-3` }), tags: { 'pilotlight:owner': 'team-a' } },
    'umbrella/esign': { document: `${canary} is no JSON` },
  },
  entries: {
    'globex/esign': { state: 'retrying', reason: 'network', failures: 2, nextAt: now - 1_000 },
    'initech/esign': { state: 'reauth_required', reason: 'invalid_grant', nextAt: null, deadlineAt: now - day },
  },
};

/** Looks, and sees to it that nothing was done, everything is closed and no token is shown. */
export async function look(argv: readonly string[], given: Given = four, context = {}): Promise<Called> {
  const called = await pilotlight(argv, given, context);
  expect(called.out + called.err).not.toContain('canary');
  expect(called.acts).toEqual({ created: [], refreshed: [], revoked: [], released: [], adopted: [], closed: 1 });
  return called;
}
