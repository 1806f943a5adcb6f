/** `pilotlight alerts`: what on-call is told of now, and what a person does about it. */
import type { Command } from 'commander';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { OpenedAlerts } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { usageError } from './failure.ts';
import type { Act, Invocation } from './invocation.ts';
import type { Column } from './table.ts';

export function addAlerts(program: Command, act: Act): void {
  const alerts = program
    .command('alerts')
    .helpCommand(false)
    .usage('<list|test|resolve|snooze|confirm> [options]')
    .description('incidents and the channels that tell them')
    .addHelpText('after', '\nExamples:\n  pilotlight alerts list\n  pilotlight alerts test oncall');
  const opened = (invocation: Invocation, run: (alerts: OpenedAlerts) => Promise<number>) =>
    invocation.opened(async (service) => run(await service.alerts()));
  alerts
    .command('list')
    .description('list open incidents, and those that ended within a day')
    .addHelpText('after', '\nExamples:\n  pilotlight alerts list\n  pilotlight alerts list -o json')
    .action(act((invocation, _options: object) => opened(invocation, (given) => list(invocation, given))));
  alerts
    .command('test')
    .argument('<channel>', 'its name in the configuration')
    .description('send a test message and its end to a channel')
    .addHelpText('after', '\nExits 1 where the channel does not take it.\n\nExamples:\n  pilotlight alerts test oncall')
    .action(act((invocation, name: string) => opened(invocation, (given) => test(invocation, given, name))));
  alerts
    .command('resolve')
    .argument('<key>', 'as alerts list shows it')
    .description('close an incident; while its cause is there it opens again')
    .addHelpText('after', '\nExamples:\n  pilotlight alerts resolve production/connection/acme/esign/consent')
    .action(act((invocation, key: string) => opened(invocation, (given) => resolve(invocation, given, key))));
  alerts
    .command('snooze')
    .argument('<key>', 'as alerts list shows it')
    .description('put an incident off, with an end and a reason')
    .requiredOption('--until <time>', 'an instant (ISO 8601), or a span from now such as 12h')
    .requiredOption('--reason <text>', 'why; kept on the secret')
    .addHelpText(
      'after',
      '\nExamples:\n  pilotlight alerts snooze production/connection/acme/esign/consent --until 3d --reason "customer is told"',
    )
    .action(
      act((invocation, key: string, options: SnoozeOptions) =>
        opened(invocation, (given) => snooze(invocation, given, key, options)),
      ),
    );
  alerts
    .command('confirm')
    .argument('<provider>', 'whose connections are refused')
    .description('say that a mass of refusals is real: its connections are flagged')
    .addHelpText('after', '\nExamples:\n  pilotlight alerts confirm oauth2')
    .action(act((invocation, provider: string) => opened(invocation, (given) => confirm(invocation, given, provider))));
}

interface SnoozeOptions {
  readonly until: string;
  readonly reason: string;
}

const columns: readonly Column[] = [
  { title: 'SEVERITY' },
  { title: 'INCIDENT', cut: 'end' },
  { title: 'SINCE' },
  { title: 'TOLD', cut: 'end' },
  { title: 'KEY' },
];

async function list({ context, screen }: Invocation, alerts: OpenedAlerts): Promise<number> {
  const now = context.clock.now();
  const { open, ended } = await alerts.incidents();
  if (screen.json) {
    const shown = (one: (typeof open)[number]) => ({
      ...one,
      openedAt: new Date(one.openedAt).toISOString(),
      ...(one.endedAt === undefined ? {} : { endedAt: new Date(one.endedAt).toISOString() }),
      ...(one.snoozedUntil === undefined ? {} : { snoozedUntil: new Date(one.snoozedUntil).toISOString() }),
      deliveries: one.deliveries.map((had) => ({ ...had, at: new Date(had.at).toISOString() })),
    });
    screen.document({ channels: alerts.channels, open: open.map(shown), ended: ended.map(shown) });
    return exitCodes.ok;
  }
  if (open.length === 0) screen.line('Nothing is open.');
  else
    screen.table(
      columns,
      open.map((one) => [
        one.severity,
        one.title,
        relativeInWords(one.openedAt, now),
        toldWords(one, alerts.channels, now),
        one.key,
      ]),
    );
  if (ended.length > 0) screen.line(`${ended.length} ended within the last day; -o json shows them.`);
  if (alerts.channels.length === 0) screen.line('No channel is configured: nobody is told (alerts.channels).');
  return exitCodes.ok;
}

type Row = Awaited<ReturnType<OpenedAlerts['incidents']>>['open'][number];

function toldWords({ deliveries, snoozedUntil = 0 }: Row, channels: readonly string[], now: number): string {
  if (snoozedUntil > now) return `snoozed until ${utcInWords(snoozedUntil)}`;
  if (channels.length === 0) return 'nobody';
  const words = deliveries.map(({ channel, state }) => (state === 'accepted' ? channel : `${channel} (${state})`));
  return words.length === 0 ? 'waiting' : words.join(', ');
}

async function test({ screen }: Invocation, alerts: OpenedAlerts, name: string): Promise<number> {
  if (!alerts.channels.includes(name))
    throw usageError(`no alert channel is called ${name}; there are ${alerts.channels.join(', ') || 'none'}`);
  const delivery = await alerts.test(name);
  const why = delivery.kind === 'accepted' ? undefined : delivery.why;
  if (screen.json) screen.document({ channel: name, result: delivery.kind, ...(why === undefined ? {} : { why }) });
  else
    screen.line(why === undefined ? `${name} took a test message and its end.` : `${name}: ${delivery.kind}: ${why}`);
  return why === undefined ? exitCodes.ok : exitCodes.failure;
}

async function resolve({ screen }: Invocation, alerts: OpenedAlerts, key: string): Promise<number> {
  await known(alerts, key);
  await alerts.resolve(key);
  if (screen.json) screen.document({ key, resolved: true });
  else screen.line('Closed at the next look, within seconds; while its cause is there it opens again.');
  return exitCodes.ok;
}

async function snooze(
  { context, screen }: Invocation,
  alerts: OpenedAlerts,
  key: string,
  { until, reason }: SnoozeOptions,
): Promise<number> {
  const now = context.clock.now();
  const span = context.readDuration(until);
  const at = span === undefined ? Date.parse(until) : now + span;
  if (Number.isNaN(at) || at <= now)
    throw usageError('--until must be an instant to come, or a span such as 12h or 3d');
  if (reason.trim() === '' || reason.length > 200) throw usageError('--reason must say why, in 200 characters at most');
  await known(alerts, key);
  await alerts.snooze(key, at, reason.trim());
  if (screen.json) screen.document({ key, snoozedUntil: new Date(at).toISOString() });
  else screen.line(`Put off until ${utcInWords(at)}.`);
  return exitCodes.ok;
}

async function confirm({ screen }: Invocation, alerts: OpenedAlerts, provider: string): Promise<number> {
  await known(alerts, `${alerts.environment}/mass_revocation/${provider}`);
  await alerts.confirm(provider);
  if (screen.json) screen.document({ provider, confirmed: true });
  else screen.line(`Confirmed: connections of ${provider} are flagged from now on as their refusals are confirmed.`);
  return exitCodes.ok;
}

async function known(alerts: OpenedAlerts, key: string): Promise<void> {
  const { open } = await alerts.incidents();
  if (open.some((one) => one.key === key)) return;
  throw new PilotlightError(
    'not_found',
    `no incident is open under ${key}; pilotlight alerts list shows those that are`,
  );
}
