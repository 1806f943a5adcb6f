/** `pilotlight show ID`: everything known of one connection, in words, and never its token. */
import type { Command } from 'commander';
import { type IndexEntry, reasons } from '../connection/entry.ts';
import { seenDigest } from '../connection/fingerprint.ts';
import { ownerTag } from '../connection/flag.ts';
import { entryOf, type Sighting, type Standing } from '../connection/standing.ts';
import { describeCause, describeState } from '../connection/words.ts';
import type { ClientHealth, VersionSummary } from '../rotation/ports.ts';
import type { Opened } from './context.ts';
import { entryJson, isoOf } from './entry-view.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import { nextStep } from './next-step.ts';
import { showLines } from './show-view.ts';

export function addShow(program: Command, act: Act): void {
  program
    .command('show')
    .argument('<id>', 'the connection')
    .description('show one connection: state, deadline, what failed, who can act')
    .addHelpText(
      'after',
      `
Reads the secret as it is now and judges it as the service does. Never shows a token.

Examples:
  pilotlight show acme/esign
  pilotlight show acme/esign -o json`,
    )
    .action(
      act((invocation, id: string, _options: object) => invocation.opened((opened) => show(invocation, opened, id))),
    );
}

/** What is shown of a connection. */
export interface Shown {
  readonly entry: IndexEntry;
  readonly sighting: Sighting;
  readonly standing: Standing;
  /** Undefined where the secret names no client at a host. */
  readonly health: ClientHealth | undefined;
  /** Another connection with the same refresh token. */
  readonly holder: string | undefined;
  readonly versions: readonly VersionSummary[];
  /** The secret or its tags changed since the service last looked. */
  readonly changed: boolean;
  /** What the provider file advises for this lifetime. */
  readonly advice: string | undefined;
  readonly title: string | undefined;
  readonly now: number;
}

async function show({ context, screen }: Invocation, opened: Opened, id: string): Promise<number> {
  const shown = await gather(opened, id, context.clock.now());
  if (screen.json) screen.document(shownJson(shown));
  else for (const line of showLines(shown, screen.paint)) screen.line(line);
  return exitCodes.ok;
}

async function gather(opened: Opened, id: string, now: number): Promise<Shown> {
  const { sighting, standing } = await opened.inspect(id);
  const { version, tags } = sighting;
  const known = await opened.index.get(id);
  const changed = known === undefined || known.seen !== seenDigest(version.versionId, tags);
  const entry = known !== undefined && !changed ? known : entryOf(sighting, standing, now);
  const { fingerprint } = standing;
  return {
    entry,
    sighting,
    standing,
    health: entry.at.host === '' ? undefined : await opened.clients.health(entry.at),
    holder: fingerprint === '' ? undefined : await opened.index.holderOf(fingerprint, id),
    versions: [...(await opened.store.versions(opened.nameOf(id)))].sort((a, b) => b.createdAt - a.createdAt),
    changed,
    advice: standing.usable ? standing.life.lifetime.advice : undefined,
    title: opened.rules.providers.get(entry.at.provider)?.title,
    now,
  };
}

function shownJson(shown: Shown) {
  const { entry, sighting, standing, health, holder, versions, changed, advice } = shown;
  const { meaning, actor, action } = describeCause(entry);
  return {
    ...entryJson(entry),
    stateMeaning: describeState(entry.state).meaning,
    reasonMeaning: meaning,
    actor,
    action,
    nextStep: nextStep(shown),
    advice: advice ?? null,
    foreignSpender: standing.usable && standing.life.foreignSpender,
    changedSinceLastLook: changed,
    sameTokenAs: holder ?? null,
    owner: sighting.tags[ownerTag] ?? null,
    clientHealth:
      health === undefined
        ? null
        : {
            breaker: health.breaker,
            breakerReason: reasons.find((reason) => reason === health.breakerReason) ?? null,
            openedAt: isoOf(health.openedAt),
            nextProbeAt: isoOf(health.nextProbeAt),
            lastSuccessAt: isoOf(health.lastSuccessAt),
            heldUntil: isoOf(health.heldUntil === 0 ? null : health.heldUntil),
            secret: health.secret,
          },
    version: { id: sighting.version.versionId, createdAt: isoOf(sighting.version.createdAt) },
    versions: versions.map(({ versionId, stages, createdAt }) => ({
      id: versionId,
      createdAt: isoOf(createdAt),
      stages,
    })),
  };
}
