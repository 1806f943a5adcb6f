/** `pilotlight alerts`, `reauth-link` and `connect`: what they show and order, and what they refuse. */
import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/alerts/channel.ts';
import type { OpenedAlerts } from '../../src/cli/context.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import type { Incident } from '../../src/web/operator-ports.ts';
import { document, documentOf, now, pilotlight } from '../support/cli.ts';

const minute = 60_000;
const key = 'production/connection/acme/consent';
const incident = (more: Partial<Incident> = {}): Incident => ({
  key,
  kind: 'reauth_required',
  severity: 'page',
  openedAt: now - 5 * minute,
  title: 'Connection needs a new consent: acme',
  connection: 'acme',
  deliveries: [{ channel: 'oncall', state: 'accepted', at: now }],
  ...more,
});

function alertsOf(change: Partial<OpenedAlerts> = {}) {
  const ordered: unknown[][] = [];
  const note =
    (name: string) =>
    async (...given: unknown[]) =>
      void ordered.push([name, ...given]);
  const alerts: OpenedAlerts = {
    environment: 'production',
    channels: ['oncall', 'team'],
    incidents: async () => ({ open: [incident()], ended: [incident({ key: 'old', endedAt: now })] }),
    resolve: note('resolve'),
    snooze: note('snooze'),
    confirm: note('confirm'),
    test: async () => ({ kind: 'accepted' }),
    reauthLink: async (id) => `https://customers.example/reconsent/${id}`,
    connectLink: ({ connection, client }) => `https://customers.example/reconsent/new-${connection}-${client}`,
    ...change,
  };
  return { alerts, ordered };
}

describe('alerts list', () => {
  it('shows what is open, since when, who was told and under which key', async () => {
    const { out, code } = await pilotlight(['alerts', 'list'], alertsOf());
    expect(code).toBe(0);
    for (const word of ['page', 'Connection needs a new consent: acme', '5 minutes ago', 'oncall', key, '1 ended'])
      expect(out).toContain(word);
  });

  it('says that nobody is told where no channel is configured', async () => {
    const { alerts } = alertsOf({ channels: [], incidents: async () => ({ open: [], ended: [] }) });
    const { out } = await pilotlight(['alerts', 'list'], { alerts });
    expect(out).toContain('Nothing is open.');
    expect(out).toContain('nobody is told');
  });

  it('as JSON has instants in ISO 8601', async () => {
    const called = await pilotlight(['alerts', 'list', '-o', 'json'], alertsOf());
    expect(documentOf(called)).toMatchObject({
      channels: ['oncall', 'team'],
      open: [{ key, openedAt: new Date(now - 5 * minute).toISOString(), deliveries: [{ channel: 'oncall' }] }],
      ended: [{ endedAt: new Date(now).toISOString() }],
    });
  });

  it('shows no terminal command that a title could carry', async () => {
    const { alerts } = alertsOf({
      incidents: async () => ({ open: [incident({ title: '\u001b[2Jgone' })], ended: [] }),
    });
    expect((await pilotlight(['alerts', 'list'], { alerts })).out).not.toContain('\u001b');
  });
});

describe('a person', () => {
  it('closes, puts off and confirms what is open', async () => {
    const mass = 'production/mass_revocation/acme-sign';
    const { alerts, ordered } = alertsOf({
      incidents: async () => ({ open: [incident(), incident({ key: mass })], ended: [] }),
    });
    await pilotlight(['alerts', 'resolve', key], { alerts });
    await pilotlight(['alerts', 'snooze', key, '--until', '12h', '--reason', ' customer is told '], { alerts });
    await pilotlight(['alerts', 'snooze', key, '--until', '2026-11-21T08:00:00Z', '--reason', 'x'], { alerts });
    const { code } = await pilotlight(['alerts', 'confirm', 'acme-sign'], { alerts });
    expect(code).toBe(0);
    expect(ordered).toEqual([
      ['resolve', key],
      ['snooze', key, now + 720 * minute, 'customer is told'],
      ['snooze', key, Date.UTC(2026, 10, 21, 8), 'x'],
      ['confirm', 'acme-sign'],
    ]);
  });

  it.each([
    [['alerts', 'resolve', 'nothing'], 1],
    [['alerts', 'confirm', 'acme-sign'], 1],
    [['alerts', 'snooze', key, '--until', 'yesterday', '--reason', 'x'], 64],
    [['alerts', 'snooze', key, '--until', '2020-01-01', '--reason', 'x'], 64],
    [['alerts', 'snooze', key, '--until', '12h', '--reason', ' '], 64],
    [['alerts', 'snooze', key, '--until', '12h'], 64],
    [['alerts', 'test', 'nobody'], 64],
  ] as const)('is told what is wrong with %j, and nothing is ordered', async (argv, code) => {
    const { alerts, ordered } = alertsOf();
    const called = await pilotlight(argv, { alerts });
    expect(called.code).toBe(code);
    expect(called.err).not.toBe('');
    expect(ordered).toEqual([]);
  });
});

describe('alerts test', () => {
  it.each<[Delivery, number, string]>([
    [{ kind: 'accepted' }, 0, 'took a test message'],
    [{ kind: 'refused', why: 'HTTP 403' }, 1, 'refused: HTTP 403'],
    [{ kind: 'retry', why: 'HTTP 503' }, 1, 'retry: HTTP 503'],
  ])('%j exits %d', async (delivery, code, words) => {
    const { alerts } = alertsOf({ test: async () => delivery });
    const called = await pilotlight(['alerts', 'test', 'oncall'], { alerts });
    expect([called.code, called.out.includes(words)]).toEqual([code, true]);
  });
});

describe('a link', () => {
  it('is printed alone, so that it can be pasted', async () => {
    expect((await pilotlight(['reauth-link', 'acme'], alertsOf())).out).toBe(
      'https://customers.example/reconsent/acme\n',
    );
    const called = await pilotlight(['connect', 'docusign', '--client', 'docusign-main', '--id', 'new'], alertsOf());
    expect(called.out).toBe('https://customers.example/reconsent/new-new-docusign-main\n');
  });

  it.each([
    [['connect', 'nobody', '--client', 'docusign-main', '--id', 'new'], 'no provider'],
    [['connect', 'docusign', '--client', 'nobody', '--id', 'new'], 'no client'],
    [['connect', 'docusign', '--client', 'docusign-main', '--id', 'new', '--environment', 'moon'], 'no environment'],
    [['connect', 'docusign', '--client', 'docusign-main', '--id', 'known'], 'connected already'],
  ] as const)('for %j is refused: %s', async (argv, words) => {
    const { alerts } = alertsOf();
    const called = await pilotlight(argv, { alerts, secrets: { known: { document: document() } } });
    expect([called.code, called.err.includes(words)]).toEqual([64, true]);
  });

  it('is refused where no address for customers is configured', async () => {
    const { alerts } = alertsOf({
      reauthLink: () => Promise.reject(new PilotlightError('config_invalid', 'reconsent.publicUrl is not set')),
    });
    const called = await pilotlight(['reauth-link', 'acme'], { alerts });
    expect([called.code, called.err.includes('publicUrl')]).toEqual([78, true]);
  });
});
