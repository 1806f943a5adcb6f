/** The Alertmanager channel against the real Alertmanager, which tells a recording server; odd answers by a double. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AlertmanagerOptions, createAlertmanager } from '../../src/alerts/channels/alertmanager.ts';
import type { Notice } from '../../src/alerts/notice.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { going, message, notice, turnedClock } from '../support/channel-notice.ts';
import {
  type Alertmanager,
  type Received,
  type Receiver,
  startAlertmanager,
  startReceiver,
} from '../support/channel-servers.ts';

let hook: Receiver;
let clock: ReturnType<typeof turnedClock>;

beforeEach(async () => {
  hook = await startReceiver('/hook', () => ({ status: 200 }));
  clock = turnedClock();
});
afterEach(() => hook.stop());

/** Opened just now, as the real Alertmanager's clock has it. */
function fresh(over: Partial<Notice> = {}): Notice {
  return notice({ openedAt: clock.now(), at: clock.now(), ...over });
}

function about(connection: string, over: Partial<Notice> = {}): Notice {
  return fresh({ key: `pilotlight:production:conn:${connection}`, message: message({ connection }), ...over });
}

interface Told {
  readonly status: string;
  readonly alerts: readonly { readonly labels: Record<string, string>; readonly annotations: Record<string, string> }[];
}
const told = ({ body }: Received): Told => JSON.parse(body);
const tells = (status: string, labels: Record<string, string>) => (one: Received) =>
  told(one).status === status &&
  told(one).alerts.some((alert) => Object.entries(labels).every(([name, value]) => alert.labels[name] === value));

describe('the Alertmanager channel, with the real one', () => {
  let alertmanager: Alertmanager | undefined;
  const started = async (prefix?: string) => {
    alertmanager = await startAlertmanager(hook.url, prefix);
    return alertmanager;
  };
  afterEach(async () => {
    await alertmanager?.stop();
    alertmanager = undefined;
  });
  const channel = ({ url }: { url: URL }, repeatEveryMs = 60_000) =>
    createAlertmanager({ name: 'am', url, clock, repeatEveryMs, generatorUrl: new URL('https://pilotlight.example/') });

  it('an alert fires, stands as long as it is repeated, and ends', async () => {
    const real = await started();
    const am = channel(real);
    const labels = {
      alertname: 'ReauthRequired',
      severity: 'critical',
      incident: notice().key,
      environment: 'production',
      provider: 'oauth2',
      client: 'oauth2-main',
      connection: 'acme/esign',
      owner: 'team-contracts',
    };
    const opened = fresh();
    const accepted = await am.deliver(opened, undefined, going);
    expect(accepted).toEqual({ kind: 'accepted', reference: expect.any(String) });
    const fired = told(await hook.until(tells('firing', labels)));
    expect(fired.alerts).toHaveLength(1);
    expect(fired.alerts[0]).toMatchObject({
      status: 'firing',
      labels,
      generatorURL: 'https://pilotlight.example/',
      annotations: {
        summary: message().title,
        description: expect.stringContaining('Why: invalid_grant (HTTP 400)'),
        action: message().action,
        actor: 'customer',
        hits: '3 of 40 connections',
        command: 'pilotlight show acme/esign',
        reauth_url: 'https://pilotlight.example/reconsent/acme%2Fesign',
        runbook_url: 'https://pilotlight.example/runbook#reauth_required',
        dashboard_url: 'https://pilotlight.example/?connection=acme',
      },
    });

    const [before] = await real.firing();
    clock.turn(60_000);
    expect(await am.repeat?.deliver([opened], going)).toMatchObject({ kind: 'accepted' });
    const [after, ...more] = await real.firing();
    expect(more).toEqual([]);
    expect(Date.parse(after?.endsAt ?? '') - Date.parse(before?.endsAt ?? '')).toBeGreaterThanOrEqual(60_000);

    clock.turn(-60_000);
    const reference = accepted.kind === 'accepted' ? accepted.reference : undefined;
    expect((await am.deliver({ ...opened, event: 'resolved' }, reference, going)).kind).toBe('accepted');
    const ended = told(await hook.until(tells('resolved', labels)));
    expect(ended.alerts).toHaveLength(1);
    expect(await real.firing()).toEqual([]);
    expect(hook.received).toHaveLength(2);
  });

  it('what nobody repeats ends by itself; what is repeated, in one POST, does not', async () => {
    const real = await started();
    // Three seconds, so that a busy machine repeats in time.
    const brief = channel(real, 750);
    const [left, kept, other] = [about('left'), about('kept'), about('other')];
    for (const one of [left, kept, other]) await brief.deliver(one, undefined, going);
    expect(await channel(real).repeat?.deliver([kept, other], going)).toEqual({ kind: 'accepted' });
    await hook.until(tells('resolved', { connection: 'left' }));
    expect((await real.firing()).map(({ labels }) => labels.connection).toSorted()).toEqual(['kept', 'other']);
    expect(hook.received.filter((one) => told(one).status === 'resolved')).toHaveLength(1);
  });

  it('an incident that becomes a page is one alert afterwards, not two', async () => {
    const real = await started();
    const am = channel(real);
    const warned = await am.deliver(about('a', { severity: 'warn' }), undefined, going);
    await hook.until(tells('firing', { severity: 'warning' }));
    const reference = warned.kind === 'accepted' ? warned.reference : undefined;
    await am.deliver(about('a', { severity: 'page', event: 'updated' }), reference, going);
    await hook.until(tells('firing', { severity: 'critical' }));
    await hook.until(tells('resolved', { severity: 'warning' }));
    expect((await real.firing()).map(({ labels }) => labels.severity)).toEqual(['critical']);
  });

  it('takes odd texts whole: quotes, other scripts, braces of templates', async () => {
    const real = await started('/behind/a/prefix');
    const title = 'Name "{{ .Labels }}" <b>漢字</b> 😀 \\ line\nend';
    const [am, odd] = [channel(real), message({ title, owner: '漢 "x"', facts: [{ label: 'a=b', value: '\ud83d' }] })];
    expect((await am.deliver(fresh({ message: odd }), undefined, going)).kind).toBe('accepted');
    const [one] = await real.firing();
    expect(one?.annotations.summary).toBe(title);
    expect(one?.labels.owner).toBe('漢 "x"');
  });

  it('one notice that is no alert does not keep the others from being told', async () => {
    const real = await started();
    const bad = { ...about('bad'), message: { kind: 'reauth_required' } } as unknown as Notice;
    expect(await channel(real).repeat?.deliver([about('good'), bad, about('better')], going)).toEqual({
      kind: 'refused',
      why: '1 of 3 are not alerts: it has another form; the others stand',
    });
    expect((await real.firing()).map(({ labels }) => labels.connection).toSorted()).toEqual(['better', 'good']);
  });

  it('an address under which nothing listens is wrong, and said to be', async () => {
    const real = await started('/prefix');
    const bare = new URL('/', real.url);
    expect(await channel({ url: bare }).deliver(fresh(), undefined, going)).toEqual({
      kind: 'refused',
      why: 'HTTP 404 (wrong address)',
    });
  });

  it('refuses in words the channel passes on', async () => {
    const real = await started();
    // What the real one says against an alert no notice can become.
    const labels = { alertname: 'A' };
    const refused = await fetch(new URL('/api/v2/alerts', real.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify([{ labels, startsAt: '2026-01-02T00:00:00Z', endsAt: '2026-01-01T00:00:00Z' }]),
    });
    const body = await refused.text();
    hook.next({ status: refused.status, body });
    const double = createAlertmanager({ name: 'am', url: hook.url, clock, repeatEveryMs: 60_000 });
    expect(await double.deliver(fresh(), undefined, going)).toEqual({
      kind: 'refused',
      why: 'HTTP 400: start time must be before end time',
    });
  });
});

describe('the Alertmanager channel, with odd answers', () => {
  const channel = (over: Partial<AlertmanagerOptions> = {}) =>
    createAlertmanager({ name: 'am', url: hook.url, clock, repeatEveryMs: 60_000, ...over });

  it('repeats nothing where nothing is open', async () => {
    expect(await channel().repeat?.deliver([], going)).toEqual({ kind: 'accepted' });
    expect(hook.received).toEqual([]);
  });

  it('posts under the path given, with its password, which it never says', async () => {
    const basicAuth = { user: 'pilot', password: new Secret('correct-horse-battery') };
    hook.next({ status: 401, body: '"wrong password correct-horse-battery"' });
    expect(await channel({ basicAuth }).deliver(fresh(), undefined, going)).toEqual({
      kind: 'refused',
      why: 'HTTP 401 (credentials refused)',
    });
    const [one] = hook.received;
    expect(one?.path).toBe('/hook/api/v2/alerts');
    expect(one?.headers.authorization).toBe(`Basic ${Buffer.from('pilot:correct-horse-battery').toString('base64')}`);
  });

  it('believes no page for people', async () => {
    hook.next({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<form>' });
    expect(await channel().deliver(fresh(), undefined, going)).toEqual({
      kind: 'refused',
      why: 'HTTP 200 with a page for people: a login stands before it',
    });
  });

  it.each(['{', '[]', '"text"', 'null', '{"a":1}'])('takes no harm from the reference %s', async (reference) => {
    expect((await channel().deliver(fresh(), reference, going)).kind).toBe('accepted');
    expect(JSON.parse(hook.received[0]?.body ?? '')).toHaveLength(1);
  });

  it('tries again when it does not answer', async () => {
    hook.next({ status: 503, headers: { 'retry-after': '3' } });
    expect(await channel().deliver(fresh(), undefined, going)).toEqual({
      kind: 'retry',
      why: 'HTTP 503',
      afterMs: 3_000,
    });
    await hook.stop();
    expect((await channel().repeat?.deliver([fresh()], going))?.kind).toBe('retry');
  });
});
