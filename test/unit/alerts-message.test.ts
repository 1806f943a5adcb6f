/** What a message says: everything a person needs at night, and nothing that a stranger wrote into a line of ours. */
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../src/alerts/incident.ts';
import { incidentKinds, kindWords } from '../../src/alerts/kinds.ts';
import { messageOf } from '../../src/alerts/message.ts';

const now = Date.UTC(2026, 10, 21, 3);
const hour = 3_600_000;
const incident: Incident = {
  key: 'production/connection/acme/esign/consent',
  kind: 'reauth_required',
  severity: 'page',
  about: { connection: 'acme/esign', provider: 'acme-sign', environment: 'demo', client: 'main' },
  since: now - hour,
  reason: 'invalid_grant',
  deadlineAt: now + 20 * hour,
  clock: 'idle',
  estimated: true,
  extendedAt: now - 240 * hour,
  failures: 3,
  openedAt: now - hour,
  sequence: 1,
  event: 'opened',
  toldAt: now - hour,
  owner: 'team-contracts',
};
const context = {
  now,
  install: 'production',
  providerTitle: 'Acme Sign',
  runbook: 'https://git.example/runbook.md',
  consentLink: 'https://customers.example/reconsent/token',
  lastAttempt: {
    at: now - hour,
    outcome: 'suspect',
    reason: 'invalid_grant',
    asked: 'due',
    status: 400,
    error: 'invalid_grant',
    description: 'expired_client_token',
    requestId: 'req-4711',
  },
};

describe('a message', () => {
  it('says what, until when and by which clock, why, who can act and with what', () => {
    const message = messageOf(incident, context);
    expect(message.title).toBe('Connection needs a new consent: acme/esign (Acme Sign, production)');
    expect(message).toMatchObject({
      actor: 'customer',
      owner: 'team-contracts',
      command: 'pilotlight show acme/esign',
    });
    expect(message.links).toEqual([
      { label: 'Re-consent', url: 'https://customers.example/reconsent/token' },
      { label: 'Runbook', url: 'https://git.example/runbook.md#reauth_required' },
    ]);
    const facts = Object.fromEntries(message.facts.map(({ label, value }) => [label, value]));
    expect(facts).toEqual({
      Deadline: '2026-11-21 23:00 UTC (in 20 hours; unused for too long; estimated for the worst)',
      Since: '2026-11-21 02:00 UTC (1 hour ago)',
      'Last success': '2026-11-11 03:00 UTC (10 days ago)',
      Attempts: '3 failed in a row',
      Why: expect.stringMatching(/^invalid_grant: ./),
      'Provider said': 'HTTP 400, invalid_grant, “expired_client_token”, request req-4711, 1 hour ago',
    });
  });

  it('of an end says how long it took, and no longer what the provider said', () => {
    const labels = messageOf({ ...incident, endedAt: now }, context).facts.map(({ label }) => label);
    expect(labels[0]).toBe('Ended');
    expect(labels).not.toContain('Provider said');
  });

  it.each([...incidentKinds])('has words for %s: a title, an action and an end', (kind) => {
    const { title, action, ends } = kindWords(kind);
    expect([title.length > 10, action.length > 20, ends.startsWith('Ends ')]).toEqual([true, true, true]);
    expect(messageOf({ ...incident, kind }, context).links.at(-1)?.url).toContain(`#${kind}`);
  });

  it('keeps to one line, to its length, and a command to one argument, whatever names and answers hold', () => {
    const hostile = `x'; rm -rf / #\n\u2028<script>${'y'.repeat(2_000)}`;
    const message = messageOf(
      { ...incident, about: { ...incident.about, connection: hostile } },
      { ...context, lastAttempt: { ...context.lastAttempt, description: hostile } },
    );
    for (const text of [message.title, ...message.facts.map(({ value }) => value)]) {
      expect(text).not.toMatch(/[\n\u2028]/);
      expect(text.length).toBeLessThanOrEqual(500);
    }
    expect(message.title.length).toBeLessThanOrEqual(250);
    expect(message.command).toMatch(/^pilotlight show 'x'\\''; rm/);
  });
});
