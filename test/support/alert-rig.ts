/** The whole service with two recording channels: a pager that knows what is open, and a chat that shows messages. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Config } from '../../config/derive.ts';
import { type PagerDutyServer, startPagerDuty } from './channel-servers.ts';
import { day, minute, type Rig, startRig } from './rig.ts';
import { type SlackServer, slackChannel, slackToken, startSlackServer } from './slack-server.ts';

const routingKey = 'R0123456789ABCDEF0123456789ABCDE';

export interface Told {
  readonly event_action: string;
  readonly dedup_key: string;
}

export interface AlertRig {
  readonly rig: Rig;
  readonly pager: PagerDutyServer;
  readonly chat: SlackServer;
  /** Incidents the pager holds open. */
  open(): readonly string[];
  /** What the pager took: that something began, or is over. */
  told(action: 'trigger' | 'resolve', key?: string): readonly Told[];
  stop(): Promise<void>;
}

export async function startAlertRig(change: (config: Config) => Config = (same) => same): Promise<AlertRig> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-alerts-'));
  const [pager, chat] = await Promise.all([startPagerDuty(routingKey), startSlackServer()]);
  const keyFile = join(folder, 'pagerduty');
  const tokenFile = join(folder, 'slack');
  await Promise.all([writeFile(keyFile, `${routingKey}\n`), writeFile(tokenFile, slackToken)]);
  const channels = {
    pager: { kind: 'pagerduty' as const, routingKeyFile: keyFile, url: pager.url.href },
    chat: { kind: 'slack' as const, tokenFile, channelId: slackChannel, url: chat.apiUrl.href },
  };
  const rig = await startRig({
    change: (config) =>
      change({ ...config, alerts: { ...config.alerts, channels, watch: '* * * * * *', flapGuard: 1_000 } }),
  });
  const events = () => pager.received.filter(({ met }) => met === 202).map(({ body }) => JSON.parse(body) as Told);
  return {
    rig,
    pager,
    chat,
    open: () => [...pager.incidents].filter(([, { open }]) => open).map(([key]) => key),
    told: (action, key) =>
      events().filter((one) => one.event_action === action && (key === undefined || one.dedup_key === key)),
    async stop() {
      await rig.stop();
      await Promise.all([pager.stop(), chat.stop(), rm(folder, { recursive: true, force: true })]);
      expect(chat.problems).toEqual([]);
    },
  };
}

export const extended = { provider: 'docusign', scope: 'signature extended' } as const;

/** Starts the service; `acme` is revoked by its customer and `canary` lives. Resolves when the first is flagged. */
export async function flagAcme(rig: Rig): Promise<void> {
  for (const connection of ['acme', 'canary']) rig.connect({ ...extended, connection });
  rig.double.secrets.tag('acme', { 'pilotlight:owner': 'team-contracts' });
  rig.clock.turn(12 * day);
  rig.sandbox.grants.revoke('acme');
  await rig.start();
  const isFlagged = () => rig.double.secrets.tags('acme')['pilotlight:state'] === 'reauth_required';
  // Suspected, then confirmed beside a canary that lives: looks are minutes apart on the calendar.
  const look = () => {
    if (!isFlagged()) rig.clock.turn(4 * minute);
    return isFlagged();
  };
  await expect.poll(look, { timeout: 60_000, interval: 300 }).toBe(true);
}
