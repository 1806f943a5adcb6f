/** Gathers what is judged, once the service has come to rest: from the providers' ledger and the store, not from the service. */
import type { ConnectionState } from '../../connection/entry.ts';
import type { DeathCause } from '../providers/ledger.ts';
import { savedMember } from './application.ts';
import { blockedClient, type Fate } from './cast.ts';
import type { Struck } from './story.ts';
import type { Flagged, Watch } from './watch.ts';
import { currentDocument, customersMember, customersValue, isUntouched, type World } from './world.ts';

export interface MemberFacts {
  readonly connection: string;
  readonly provider: string;
  readonly part: string;
  readonly fate: Fate;
  /** Undefined while it lives; nothing is known of a secret without a consent behind it. */
  readonly death?: { readonly why: DeathCause; readonly at: number };
  readonly alive: boolean;
  /** The token that works is the one under AWSCURRENT. */
  readonly liveTokenStored: boolean;
  /** The index says that a new token is sealed and on its way to the store. */
  readonly sealed: boolean;
  /** State in the index; undefined where it is not in it. */
  readonly state?: ConnectionState;
  /** Reason of the flag on the current version. */
  readonly flag?: string;
  /** How the operator was first told of its end. */
  readonly told?: string;
  /** Refreshes of the service that took effect at the provider. */
  readonly refreshes: number;
  readonly presented: number;
  /** The customer's own members are all still there. */
  readonly customersFieldsKept: boolean;
}

export interface Facts {
  readonly members: readonly MemberFacts[];
  readonly flagged: readonly Flagged[];
  readonly wronglyFlagged: readonly string[];
  /** Seen during the run: dead for a day and not told. */
  readonly unnoticed: readonly string[];
  readonly doubleSpends: readonly string[];
  readonly crossedSpends: number;
  readonly secondTries: number;
  readonly applicationRefreshes: number;
  /** Refreshes of the service that took effect, by provider. */
  readonly refreshed: Readonly<Record<string, number>>;
  readonly breakersOpened: number;
  /** Outcomes that must have been met, and how often they were. */
  readonly met: Readonly<Record<string, number>>;
  readonly struck: readonly { readonly name: string; readonly times: number }[];
}

export function gatherFacts(world: World, watch: Watch, struck: readonly Struck[]): Facts {
  const { oracle } = world.sandbox;
  const presentations = oracle.presentations();
  const providers = [...new Set(world.cast.members.map(({ provider }) => provider))];
  const metIn = (client: string, outcome: string) =>
    world.cast.members
      .filter((member) => member.client === client)
      .reduce((sum, { id }) => sum + (watch.outcomes(id).get(outcome) ?? 0), 0);
  return {
    members: world.cast.members.map(({ id }) => factsOf(world, watch, id)),
    flagged: watch.flagged(),
    wronglyFlagged: [...watch.wronglyFlagged],
    unnoticed: [...watch.unnoticed],
    doubleSpends: oracle.doubleSpends().map(({ connection }) => connection),
    crossedSpends: oracle.crossedSpends().length,
    secondTries: oracle.secondTries().length,
    applicationRefreshes: presentations.filter(({ by, committed }) => by === 'application' && committed).length,
    refreshed: Object.fromEntries(providers.map((provider) => [provider, oracle.refreshes(provider)])),
    breakersOpened: watch.breakersOpened(),
    met: {
      'a request without an answer was tried once more': oracle.secondTries(world.cast.leads.unanswered.id).length,
      'a throttled request waited': metIn('adobe-main', 'throttled'),
      'an unavailable provider was tried again': metIn('adobe-gov', 'retryLater/provider_unavailable'),
      'a wrong client secret made its connections suspects, not dead': metIn(blockedClient, 'suspect'),
    },
    struck: struck.map(({ name, times }) => ({ name, times: times() })),
  };
}

function factsOf(world: World, watch: Watch, id: string): MemberFacts {
  const { double, sandbox, cast } = world;
  const { oracle } = sandbox;
  const member = cast.members.find((one) => one.id === id);
  if (member === undefined) throw new Error(`nobody in the cast is called ${id}`);
  const consented = member.fate !== 'unusable';
  const death = consented ? oracle.death(id) : undefined;
  const live = consented ? oracle.liveToken(id) : undefined;
  const document = member.fate === 'gone' ? undefined : currentDocument(double, id);
  const state = watch.entries().get(id)?.state;
  const flag = watch.flagged().find(({ connection, cleared }) => connection === id && !cleared)?.reason;
  const told = watch.told.get(id)?.how;
  const shown = oracle.presentations(id).filter(({ by }) => by === 'service');
  return {
    connection: id,
    provider: member.provider,
    part: member.part,
    fate: member.fate,
    alive: live !== undefined,
    liveTokenStored: live !== undefined && document?.refresh_token === live,
    sealed: state === 'sealed',
    refreshes: shown.filter(({ committed }) => committed).length,
    presented: shown.length,
    customersFieldsKept: fieldsKept(world, id, document),
    ...(death === undefined ? {} : { death }),
    ...(state === undefined ? {} : { state }),
    ...(flag === undefined ? {} : { flag }),
    ...(told === undefined ? {} : { told }),
  };
}

function fieldsKept(
  { double, cast }: World,
  id: string,
  document: Readonly<Record<string, unknown>> | undefined,
): boolean {
  if (id === cast.leads.broken.id) return isUntouched(double.secrets.current(id)?.value);
  if (id === cast.leads.deleted.id) return true;
  const saved = id !== cast.leads.savesField.id || document?.[savedMember] !== undefined;
  return saved && JSON.stringify(document?.[customersMember]) === JSON.stringify(customersValue(id));
}
