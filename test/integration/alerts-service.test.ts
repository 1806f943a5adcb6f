/**
 * On-call hears once, and hears the end: the whole service over real Redis, with a pager and a chat that check what they are
 * sent. Redis may lose everything in between.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createIncidentMemory } from '../../src/queue/incidents.ts';
import { type AlertRig, extended, flagAcme, startAlertRig } from '../support/alert-rig.ts';
import { day, minute, rigClient } from '../support/rig.ts';

let bench: AlertRig;
beforeEach(async () => {
  bench = await startAlertRig();
});
afterEach(() => bench.stop());

const soon = { timeout: 20_000, interval: 50 };
const consentKey = 'production/connection/acme/consent';

/** A look may tell other ends before this one. */
function isEnd({ body }: { readonly body: string }): boolean {
  const { event_action, dedup_key } = JSON.parse(body);
  return event_action === 'resolve' && dedup_key === consentKey;
}

/** What the service remembers of its deliveries of the one incident, by channel. */
async function noted() {
  return (await createIncidentMemory({ redis: bench.rig.redis.redis }).deliveries()).get(consentKey);
}

function consentAcme(): void {
  const { rig } = bench;
  const { refreshToken } = rig.sandbox.grants.create({ ...extended, connection: 'acme', client: rigClient });
  const at = new Date(rig.clock.now()).toISOString();
  rig.save('acme', { refresh_token: refreshToken, consented_at: at, refreshed_at: at });
}

describe('a connection that needs a new consent', () => {
  test('is one page and one chat message with all that is needed, and ends on both when it is consented', async () => {
    await flagAcme(bench.rig);
    await expect.poll(() => bench.open(), soon).toEqual([consentKey]);
    await expect.poll(() => bench.chat.messages.size, soon).toBe(1);
    const event = JSON.stringify(bench.told('trigger'));
    for (const word of [
      'acme',
      'DocuSign',
      'production',
      'team-contracts',
      'invalid_grant',
      'pilotlight show acme',
      '#reauth_required',
    ])
      expect(event).toContain(word);
    consentAcme();
    await expect.poll(() => bench.open(), soon).toEqual([]);
    await expect.poll(() => bench.rig.double.secrets.tags('acme')['pilotlight:state'], soon).toBeUndefined();
    await expect.poll(() => [...bench.chat.messages.values()].map(({ edits }) => edits), soon).toEqual([1]);
    expect(bench.told('trigger')).toHaveLength(1);
    expect(bench.told('resolve', consentKey)).toHaveLength(1);
  });

  test('is told under the same key after Redis lost everything, and its end is told though nobody remembers it', async () => {
    await flagAcme(bench.rig);
    await expect.poll(() => bench.open(), soon).toEqual([consentKey]);
    // A note of the delivery that came after the flush would say that all is told, and rightly so.
    await expect.poll(async () => (await noted())?.size, soon).toBe(2);
    await bench.rig.flushRedis();
    await expect.poll(() => bench.told('trigger').length, soon).toBe(2);
    expect(bench.open()).toEqual([consentKey]);
    await expect.poll(async () => (await noted())?.size, soon).toBe(2);
    await bench.rig.flushRedis();
    consentAcme();
    await expect.poll(() => bench.open(), soon).toEqual([]);
    await expect.poll(() => bench.rig.double.secrets.tags('acme')['pilotlight:state'], soon).toBeUndefined();
  });

  test('keeps its flag until the pager has taken the end', async () => {
    await flagAcme(bench.rig);
    await expect.poll(() => bench.open(), soon).toEqual([consentKey]);
    await expect.poll(async () => (await noted())?.size, soon).toBe(2);
    bench.pager.next({ status: 500 }, isEnd);
    consentAcme();
    await expect.poll(() => bench.pager.received.some(({ met }) => met === 500), soon).toBe(true);
    // When to try again is counted from when the refusal is noted: the calendar turns after that.
    await expect
      .poll(async () => [...((await noted())?.values() ?? [])].some(({ tries }) => tries > 0), soon)
      .toBe(true);
    expect(bench.rig.double.secrets.tags('acme')['pilotlight:state']).toBe('reauth_required');
    bench.rig.clock.turn(minute);
    await expect.poll(() => bench.open(), soon).toEqual([]);
    await expect.poll(() => bench.rig.double.secrets.tags('acme')['pilotlight:state'], soon).toBeUndefined();
  });

  test('is told anew on every channel when it comes back within the day, and so is its end', async () => {
    await flagAcme(bench.rig);
    await expect.poll(() => bench.open(), soon).toEqual([consentKey]);
    await expect.poll(async () => (await noted())?.size, soon).toBe(2);
    consentAcme();
    await expect.poll(() => bench.told('resolve', consentKey).length, soon).toBe(1);
    await expect.poll(() => bench.rig.double.secrets.tags('acme')['pilotlight:state'], soon).toBeUndefined();
    bench.rig.clock.turn(minute);
    bench.rig.save('acme', { refresh_token: '' });
    await expect.poll(() => bench.open(), soon).toEqual([consentKey]);
    expect(bench.told('trigger', consentKey)).toHaveLength(2);
    await expect.poll(() => bench.chat.messages.size, soon).toBe(2);
    await expect.poll(async () => (await noted())?.size, soon).toBe(2);
    consentAcme();
    await expect.poll(() => bench.told('resolve', consentKey).length, soon).toBe(2);
    await expect.poll(() => [...bench.chat.messages.values()].map(({ edits }) => edits), soon).toEqual([1, 1]);
  });

  test('shows no token in anything that is sent', async () => {
    await flagAcme(bench.rig);
    await expect.poll(() => bench.open(), soon).toEqual([consentKey]);
    const { rig } = bench;
    const tokens = ['acme', 'canary'].flatMap((connection) =>
      rig.sandbox.oracle.tokens(connection).map(({ value }) => value),
    );
    const sent = [...bench.pager.received, ...bench.chat.calls].map((one) => JSON.stringify(one)).join('\n');
    for (const token of tokens) expect(sent).not.toContain(token);
    expect(tokens.length).toBeGreaterThan(1);
  });
});

describe('a channel that takes nothing', () => {
  test('is told on the others, and gets what it missed once it is mended', async () => {
    bench.pager.every({ status: 403 });
    await flagAcme(bench.rig);
    const shown = () => {
      // A new memory tells ends of what is not true; what becomes true right after waits for the flap guard's time.
      bench.rig.clock.turn(1_000);
      return [...bench.chat.messages.values()].map(({ payload }) => JSON.stringify(payload)).join('\n');
    };
    await expect.poll(shown, soon).toContain('Alert channel takes no messages: pager');
    expect(bench.open()).toEqual([]);
    bench.pager.every(undefined);
    await expect
      .poll(
        () => {
          // What will not pass by itself is tried once an hour.
          bench.rig.clock.turn(61 * minute);
          return bench.open();
        },
        { timeout: 40_000, interval: 300 },
      )
      .toEqual([consentKey]);
  });
});

describe('a person', () => {
  test('puts an incident off with a tag that survives Redis: nothing is told until its time', async () => {
    const { rig } = bench;
    rig.connect({ ...extended, connection: 'acme' });
    const until = new Date(rig.clock.now() + 20 * day).toISOString();
    rig.double.secrets.tag('acme', {
      'pilotlight:snoozed-until': until,
      'pilotlight:snooze-reason': 'customer is told',
    });
    rig.save('acme', { refresh_token: '' });
    const app = await rig.start();
    const known = async () => (await createIncidentMemory({ redis: app.services.redis.redis }).all()).length;
    await expect.poll(known, soon).toBe(1);
    await rig.flushRedis();
    await expect.poll(known, soon).toBe(1);
    expect(bench.told('trigger')).toEqual([]);
    rig.clock.turn(21 * day);
    await expect.poll(() => bench.open(), soon).toEqual([consentKey]);
  });
});

describe('one wrong client secret', () => {
  test('is one incident for all its connections, flags none, and ends when one succeeds', async () => {
    const { rig } = bench;
    const connections = Array.from({ length: 300 }, (_, place) => `customers/${place}`);
    for (const connection of connections) rig.connect({ ...extended, connection });
    rig.sandbox.clients.setSecrets('docusign', rigClient.clientId, ['another']);
    rig.clock.turn(12 * day);
    await rig.start();
    await expect.poll(() => bench.open().filter((key) => key.includes('/client/docusign/')).length, soon).toBe(1);
    await rig.flushRedis();
    rig.sandbox.clients.setSecrets('docusign', rigClient.clientId, [rigClient.clientSecret]);
    const refreshed = () => connections.filter((one) => rig.sandbox.oracle.tokens(one).length > 1).length;
    await expect
      .poll(
        () => {
          rig.clock.turn(minute);
          return refreshed();
        },
        { timeout: 40_000, interval: 200 },
      )
      .toBe(300);
    await expect.poll(() => bench.open(), soon).toEqual([]);
    expect(connections.filter((one) => 'pilotlight:state' in rig.double.secrets.tags(one))).toEqual([]);
    expect(bench.told('trigger').filter(({ dedup_key }) => !dedup_key.includes('/client/'))).toEqual([]);
  }, 90_000);
});
