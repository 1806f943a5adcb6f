/** The lines of `pilotlight show`. Everything that comes from secret, tags or store is made harmless here. */
import { ownerTag } from '../connection/flag.ts';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { describeActor, describeCause, describeClock, describeState } from '../connection/words.ts';
import { stage } from '../rotation/ports.ts';
import { nextInWords } from './entry-view.ts';
import { nextStep } from './next-step.ts';
import type { Paint } from './paint.ts';
import type { Shown } from './show.ts';
import { harmless } from './terminal-text.ts';

const labelColumns = 14;
/** Versions shown; the store keeps many that no longer matter. */
const versionsShown = 6;

export function showLines(shown: Shown, paint: Paint): string[] {
  const line = (label: string, text: string, painted = (clean: string) => clean) =>
    `${label === '' ? ' '.repeat(labelColumns) : paint.dim(`${label}:`.padEnd(labelColumns))}${painted(harmless(text))}`;
  return [
    line('Connection', shown.entry.id, paint.bold),
    ...stateLines(shown, line, paint),
    ...lifeLines(shown, line),
    ...clientLines(shown, line, paint),
    ...secretLines(shown, line),
    line('Next step', nextStep(shown), paint.bold),
  ];
}

type Line = (label: string, text: string, painted?: (clean: string) => string) => string;

const at = (instant: number | null, now: number, unknown = 'unknown') =>
  instant === null ? unknown : `${utcInWords(instant)} (${relativeInWords(instant, now)})`;

function stateLines({ entry, changed, now }: Shown, line: Line, paint: Paint): string[] {
  const { title, meaning, tone } = describeState(entry.state);
  const reason = describeCause(entry);
  const lines = [
    line('State', `${title}, since ${at(entry.since, now)}`, (text) => paint.tone(tone, text)),
    line('', meaning),
  ];
  if (entry.reason !== 'none') {
    lines.push(line('Reason', `${entry.reason}: ${reason.meaning}`));
    lines.push(
      line('Who can act', `${describeActor(reason.actor)}${reason.action === '' ? '' : `: ${reason.action}`}`),
    );
  }
  if (entry.failures > 0) lines.push(line('Failures', `${entry.failures} in a row`));
  if (changed)
    lines.push(line('', 'The secret changed since the service last looked; this is judged from what it holds now.'));
  return lines;
}

function lifeLines({ entry, standing, now }: Shown, line: Line): string[] {
  const clock = `${describeClock(entry.clock)}${entry.estimated ? '; estimated, because its start or its rule is not known' : ''}`;
  const lines = [
    line('Deadline', at(entry.deadlineAt, now)),
    line('', clock),
    line(
      'Due',
      entry.nextAt === null
        ? 'not before its secret changes'
        : `${utcInWords(entry.nextAt)} (${nextInWords(entry.nextAt, now)})`,
    ),
    line('Extended', at(entry.extendedAt, now, 'not known')),
  ];
  if (standing.usable && standing.life.foreignSpender)
    lines.push(line('', 'Somebody else refreshes it too: we refresh later, and never send a token twice.'));
  return lines;
}

function clientLines({ entry, health, title, now }: Shown, line: Line, paint: Paint): string[] {
  const { provider, environment, client, host } = entry.at;
  if (provider === '') return [];
  const lines = [
    line(
      'Provider',
      `${title === undefined ? provider : `${title} (${provider})`}${environment === '' ? '' : `, ${environment}`}`,
    ),
  ];
  if (client === '') return lines;
  lines.push(line('Client', `${client}${host === '' ? '' : ` at ${host}`}`));
  if (health === undefined) return lines;
  if (health.breaker === 'open') {
    const since = health.openedAt === null ? '' : ` since ${relativeInWords(health.openedAt, now)}`;
    const probe = health.nextProbeAt === null ? '' : `; next try ${nextInWords(health.nextProbeAt, now)}`;
    lines.push(
      line('', `rejected by the provider (${health.breakerReason})${since}${probe}`, (text) => paint.tone('bad', text)),
    );
  } else if (health.lastSuccessAt !== null)
    lines.push(line('', `accepted ${relativeInWords(health.lastSuccessAt, now)}`));
  if (health.secret === 'previous')
    lines.push(line('', 'with its previous secret: the current one was rejected', (text) => paint.tone('warn', text)));
  if (health.heldUntil > now)
    lines.push(line('', `the provider asked us to wait until ${utcInWords(health.heldUntil)}`));
  return lines;
}

function secretLines({ sighting, versions, holder, now }: Shown, line: Line): string[] {
  const { version, tags } = sighting;
  const lines = [
    line('Owner', tags[ownerTag] ?? `not set (tag ${ownerTag})`),
    line('Version', `${version.versionId}, made ${at(version.createdAt, now)}`),
  ];
  if (holder !== undefined) lines.push(line('Same token', `held by ${holder} too`));
  const others = versions.filter(({ versionId, stages }) => versionId !== version.versionId && stages.length > 0);
  for (const { versionId, stages, createdAt } of others.slice(0, versionsShown)) {
    const kept = stages.some((label) => label.startsWith(stage.orphanPrefix)) ? ' (kept: another one was current)' : '';
    lines.push(line('', `${versionId}, ${stages.join(' ')}, made ${relativeInWords(createdAt, now)}${kept}`));
  }
  if (others.length > versionsShown) lines.push(line('', `and ${others.length - versionsShown} more`));
  return lines;
}
