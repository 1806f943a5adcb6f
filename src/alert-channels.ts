/** The channels of the configuration: each with its own secret read once, from a variable or a mounted file. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../config/derive.ts';
import type { AlertChannelConfig } from '../config/schema-alerts.ts';
import type { Channel } from './alerts/channel.ts';
import { createAlertmanager } from './alerts/channels/alertmanager.ts';
import { createPagerDuty } from './alerts/channels/pagerduty.ts';
import { createSlackBot, createSlackWebhook } from './alerts/channels/slack.ts';
import { createWebhook } from './alerts/channels/webhook.ts';
import type { Clock } from './runtime/clock.ts';
import { errorLabel, PilotlightError } from './runtime/errors.ts';
import type { Machine } from './runtime/machine.ts';
import { Secret } from './runtime/secret.ts';

export interface ChannelMeans {
  readonly env: Machine['env'];
  readonly clock: Clock;
}

/** Throws config_invalid where a secret is not where the file says, or cannot be one. */
export async function openChannels({ alerts }: Config, means: ChannelMeans): Promise<ReadonlyMap<string, Channel>> {
  const open = Object.entries(alerts.channels).map(
    async ([name, channel]) => [name, await openChannel(name, channel, alerts.sendLimit, means)] as const,
  );
  return new Map(await Promise.all(open));
}

async function openChannel(
  name: string,
  channel: AlertChannelConfig,
  timeoutMs: number,
  { env, clock }: ChannelMeans,
): Promise<Channel> {
  const held = (key: string, source: { readonly variable?: string | undefined; readonly file?: string | undefined }) =>
    heldSecret(`alerts.channels.${name}.${key}`, source, env);
  const shared = { name, clock, timeoutMs };
  switch (channel.kind) {
    case 'pagerduty':
      return createPagerDuty({
        ...shared,
        routingKey: await held('routingKey', { variable: channel.routingKeyEnv, file: channel.routingKeyFile }),
        ...(channel.url === undefined ? {} : { url: new URL(channel.url) }),
      });
    case 'slack': {
      if (channel.channelId === undefined) {
        const url = await held('webhook', { variable: channel.webhookEnv, file: channel.webhookFile });
        return createSlackWebhook({ ...shared, url });
      }
      return createSlackBot({
        ...shared,
        token: await held('token', { variable: channel.tokenEnv, file: channel.tokenFile }),
        channelId: channel.channelId,
        ...(channel.url === undefined ? {} : { apiUrl: new URL(channel.url) }),
      });
    }
    case 'alertmanager':
      return createAlertmanager({ ...shared, url: new URL(channel.url), repeatEveryMs: channel.repeatEvery });
    case 'webhook': {
      const lines = await held('secret', { variable: channel.secretEnv, file: channel.secretFile });
      const secrets = lines
        .reveal()
        .split(/\s+/)
        .filter((line) => line !== '');
      return createWebhook({
        ...shared,
        url: new URL(channel.url),
        format: channel.format,
        secrets: secrets.map((line) => new Secret(line)),
      });
    }
    case 'email': {
      const { host, port, secure, user, passwordEnv, passwordFile } = channel.smtp;
      const password =
        user === undefined ? undefined : await held('smtp.password', { variable: passwordEnv, file: passwordFile });
      // Loaded where it is used, like what it stands on.
      const { createEmail } = await import('./alerts/channels/email.ts');
      return createEmail({
        ...shared,
        from: channel.from,
        to: channel.to,
        smtp: {
          host,
          port,
          secure,
          ...(user === undefined ? {} : { user }),
          ...(password === undefined ? {} : { password }),
        },
      });
    }
    default:
      return channel satisfies never;
  }
}

/** A secret of the configuration: in a variable, or in a mounted file. Throws config_invalid naming the setting. */
export async function heldSecret(
  path: string,
  { variable, file }: { readonly variable?: string | undefined; readonly file?: string | undefined },
  env: Machine['env'],
): Promise<Secret> {
  const text = variable !== undefined ? env[variable] : file === undefined ? undefined : await fileText(path, file);
  const value = text?.trim() ?? '';
  if (value === '')
    throw new PilotlightError(
      'config_invalid',
      `${path}: nothing in ${variable ?? file ?? `${path}Env or ${path}File`}`,
    );
  return new Secret(value);
}

async function fileText(path: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new PilotlightError('config_invalid', `${path}File: ${file} cannot be read (${errorLabel(error)})`);
  }
}
