/** What the `alerts`, `reauth-link` and `connect` commands are given: incidents, orders to the service, channels, links. */
import { alertParts, snoozeTag } from './alert-parts.ts';
import type { Notice } from './alerts/notice.ts';
import type { OpenedAlerts } from './cli/context.ts';
import { readFlag } from './connection/flag.ts';
import { operatorReader } from './operator-reader.ts';
import type { Reconsent } from './reconsent/reconsent.ts';
import { openReconsent } from './reconsent-parts.ts';
import { stage, versionWith } from './rotation/ports.ts';
import { PilotlightError } from './runtime/errors.ts';
import type { Services } from './services.ts';

/** Throws config_invalid for a channel whose secret is not there. */
export async function openAlerts(services: Services): Promise<OpenedAlerts> {
  const { config, deps, store, nameOf } = services;
  const { clock } = deps;
  const parts = await alertParts(services, () => undefined);
  // A command only makes links; the service writes the audit trail of what comes of them.
  const reconsent = await openReconsent(services, () => undefined);
  const reader = operatorReader(services, parts);
  return {
    channels: [...parts.channels.keys()],
    incidents: () => reader.incidents(),
    resolve: (key) => parts.memory.order({ resolve: [key] }),
    confirm: (provider) => parts.memory.order({ confirm: [provider] }),
    async snooze(key, until, reason) {
      const connection = (await parts.memory.get(key))?.about.connection;
      // On the secret it outlives everything in Redis.
      if (connection !== undefined)
        await store.tag(nameOf(connection), {
          [snoozeTag.until]: new Date(until).toISOString(),
          [snoozeTag.reason]: reason,
        });
      await parts.memory.order({ snooze: [{ key, until, reason }] });
    },
    async test(name) {
      const channel = parts.channels.get(name);
      if (channel === undefined) throw new PilotlightError('not_found', `no alert channel is called ${name}`);
      const now = clock.now();
      const signal = new AbortController().signal;
      const opened = await channel.deliver(testNotice(services, name, 'opened', now), undefined, signal);
      if (opened.kind !== 'accepted') return opened;
      // The incident that it takes nothing ends here: nothing else may be on its way to it.
      await parts.memory.noteChannel(name, undefined);
      return channel.deliver(testNotice(services, name, 'resolved', now), opened.reference, signal);
    },
    async reauthLink(id) {
      const { tags, stages } = await store.describe(nameOf(id));
      const version = readFlag(tags)?.version ?? versionWith(stage.current, stages) ?? '';
      return offered(reconsent).linkFor({ kind: 'reconsent', connection: id, version });
    },
    connectLink: (subject) => offered(reconsent).linkFor({ kind: 'connect', ...subject }),
    environment: config.environment,
  };
}

function offered(reconsent: Reconsent | undefined): Reconsent {
  if (reconsent !== undefined) return reconsent;
  throw new PilotlightError(
    'config_invalid',
    'reconsent.publicUrl is not set: say under which address customers reach this service',
  );
}

function testNotice({ config }: Services, name: string, event: Notice['event'], now: number): Notice {
  const key = `${config.environment}/test/${name}`;
  return {
    id: `${key}@${now}/${event}`,
    key,
    event,
    severity: 'warn',
    openedAt: now,
    at: now,
    message: {
      kind: 'channel_failing',
      title: `Test of the alert channel ${name} (${config.environment})`,
      environment: config.environment,
      actor: 'nobody',
      action: 'Nothing is wrong: somebody ran pilotlight alerts test.',
      ends: 'Ends at once.',
      facts: [],
      links: [{ label: 'Runbook', url: config.alerts.runbookUrl }],
    },
  };
}
