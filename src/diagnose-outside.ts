/**
 * Doctor's look at what is not ours: token hosts can be connected to (nothing is sent, and one that is away is only warned of),
 * and each alert channel has its secret (no message is sent: `pilotlight alerts test` does that).
 */
import { openChannels } from './alert-channels.ts';
import type { Check, Finding } from './diagnose.ts';
import { type Origin, openConnection } from './oauth/connect.ts';
import { publicLookup } from './oauth/private-address.ts';
import { resolveTarget } from './oauth/target.ts';
import type { Services } from './services.ts';

/** Enough to find a closed network; connections of one customer each may have hosts of their own. */
const hostsMax = 20;

/** The hosts connections have, and those a configured client's provider names; none where Redis cannot tell and none is fixed. */
export async function diagnoseProviders(services: Services): Promise<readonly Check[]> {
  const { config, clients } = services;
  const origins = new Map<string, Origin>();
  const add = (url: URL) => {
    const tls = url.protocol === 'https:';
    const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
    origins.set(url.host, { hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, tls });
  };
  if (config.sandbox !== undefined) add(new URL(config.sandbox.connectTo));
  else {
    for (const { at } of await clients.list().catch(() => [])) {
      if (at.host !== '') add(new URL(`https://${at.host.includes(':') ? `[${at.host}]` : at.host}`));
    }
    const named = new Set(Object.values(config.clients).flatMap(({ provider }) => provider ?? []));
    for (const provider of Object.values(config.providers).filter(({ name }) => named.has(name)))
      for (const environment of Object.keys(provider.environments)) {
        const target = resolveTarget(provider, environment, 'tokenUrl', {});
        if (target.ok) add(target.url);
      }
  }
  return [...origins].slice(0, hostsMax).map(([host, origin]) => [`token host ${host}`, () => reach(services, origin)]);
}

async function reach({ config, deps }: Services, origin: Origin): Promise<Finding> {
  const timeoutMs = config.rotation.connectLimit;
  const lookup = origin.tls ? { lookup: publicLookup(undefined) } : {};
  const connected = await openConnection(origin, { clock: deps.clock, timeoutMs, ...lookup });
  if (connected.ok) {
    connected.socket.destroy();
    return origin.tls ? 'connects, its certificate is good; nothing was sent' : 'connects; nothing was sent';
  }
  return {
    state: 'warn',
    detail: connected.label,
    fix: `allow this process out to ${origin.hostname} port ${origin.port} (network policy, DNS), or wait for it`,
  };
}

export function diagnoseChannels({ config, deps }: Services): readonly Check[] {
  const channels = Object.entries(config.alerts.channels);
  if (channels.length === 0)
    return [
      [
        'alerts',
        async () => ({
          state: 'warn',
          detail: 'no channel: nobody is told of a connection that dies',
          fix: 'configure alerts.channels, or watch the metrics and their rules',
        }),
      ],
    ];
  return channels.map(([name, channel]) => [
    `alert channel ${name}`,
    async () => {
      const alerts = { ...config.alerts, channels: { [name]: channel } };
      await openChannels({ ...config, alerts }, { env: deps.machine.env, clock: deps.clock });
      return `${channel.kind}, its secret is there; pilotlight alerts test ${name} sends a message`;
    },
  ]);
}
