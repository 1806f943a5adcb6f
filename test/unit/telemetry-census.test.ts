/** The census: what counts as alive, and how near its end it is. */
import { describe, expect, it } from 'vitest';
import { takeCensus, totalStates } from '../../src/connection/census.ts';
import { fakeEntry as entry, fakeNow as now } from '../browser/fake-status.ts';

const dayMs = 86_400_000;

describe('takeCensus', () => {
  it('leaves what is proven dead out of the deadlines, and what is merely suspected in', () => {
    const census = takeCensus(now);
    census.add([
      entry({ state: 'reauth_required', deadlineAt: now - dayMs }),
      entry({ state: 'suspect', deadlineAt: now + dayMs }),
    ]);
    census.add([entry({ deadlineAt: null, state: 'invalid' })]);
    const { total, providers } = census.result();
    expect(total).toBe(3);
    expect(providers.get('docusign')?.earliestDeadlineAt).toBe(now + dayMs);
    expect(providers.get('docusign')?.within).toMatchObject({ '1h': 0, '1d': 1, '30d': 1 });
    expect(totalStates(census.result())).toMatchObject({ reauth_required: 1, suspect: 1, invalid: 1, active: 0 });
  });

  it('counts a deadline that is over in every window', () => {
    const census = takeCensus(now);
    census.add([entry({ deadlineAt: now - 1 })]);
    expect(Object.values(census.result().providers.get('docusign')?.within ?? {})).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
