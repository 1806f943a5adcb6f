/**
 * What happens to the world while the service keeps it alive: each happening at its instant of the plan, told in words, and
 * counted, so that a run in which one did not happen can be told from one that it did no harm to.
 */
import { consentAgain, refreshByItself, saveFieldMeanwhile } from './application.ts';
import { hourMs } from './calendar.ts';
import { blockedClient } from './cast.ts';
import type { Plan } from './plan.ts';
import { credentialsOf, type World } from './world.ts';

export interface Happening {
  readonly at: number;
  readonly words: string;
  /** False: not yet; it is tried again at the next look. */
  run(): boolean | Promise<boolean>;
}

type Count = (name: string, times: () => number) => void;

/** A fault or an act, and how often it has struck: once at least, or the run has shown nothing. */
export interface Struck {
  readonly name: string;
  times(): number;
}

export interface Story {
  /** Earliest first. */
  readonly happenings: readonly Happening[];
  readonly struck: readonly Struck[];
}

export interface StoryPorts {
  flushRedis(): Promise<void>;
}

export function tellStory(world: World, plan: Plan, ports: StoryPorts): Story {
  const struck: Struck[] = [];
  const counted: Count = (name, times) => void struck.push({ name, times });
  const acts = [...actsOfCustomers(world, plan), ...actsOfFate(world, plan, ports, counted)].map((act) => {
    let done = 0;
    if (act.name !== undefined) counted(act.name, () => done);
    const run = async () => {
      const happened = await act.run();
      if (happened) done += 1;
      return happened;
    };
    return { at: act.at, words: act.words, run };
  });
  injectProviderFaults(world, plan, counted);
  counted('another field saved during our rotation', saveFieldMeanwhile(world, world.cast.leads.savesField));
  return { happenings: acts.sort((a, b) => a.at - b.at), struck };
}

/** A name where the act must be shown to have happened. */
type Act = Happening & { readonly name?: string };

function actsOfCustomers(world: World, plan: Plan): Act[] {
  const { sandbox, double, cast } = world;
  const { revoked, returning, deleted, ownRefresh } = cast.leads;
  const revoke = (at: number, id: string): Act => ({
    at,
    words: `the customer of ${id} withdraws consent`,
    name: `consent of ${id} withdrawn`,
    run() {
      sandbox.grants.revoke(id);
      return true;
    },
  });
  return [
    revoke(plan.revokeAt, revoked.id),
    revoke(plan.revokeReturningAt, returning.id),
    {
      at: plan.reconsentAt,
      words: `the customer of ${returning.id} authorises again`,
      name: `consent of ${returning.id} given again`,
      run() {
        consentAgain(world, returning);
        return true;
      },
    },
    {
      at: plan.deleteAt,
      words: `the secret of ${deleted.id} is deleted`,
      name: `secret of ${deleted.id} deleted`,
      run() {
        double.secrets.delete(deleted.id, { recoveryWindowDays: 30 });
        return true;
      },
    },
    ...plan.ownRefreshesAt.map(
      (at, place): Act => ({
        at,
        words: `the application of ${ownRefresh.id} refreshes by itself`,
        name: `refresh ${place + 1} of the application of ${ownRefresh.id}`,
        run: () => refreshByItself(world, ownRefresh),
      }),
    ),
  ];
}

function actsOfFate({ double }: World, plan: Plan, { flushRedis }: StoryPorts, counted: Count): Act[] {
  let storeFault: { fired(): number } | undefined;
  counted('write to the store failed', () => storeFault?.fired() ?? 0);
  const told = (at: number, words: string): Act => ({ at, words, run: () => true });
  return [
    told(plan.outage.from, 'Adobe Acrobat Sign for Government goes down for two days'),
    told(plan.outage.until, 'Adobe Acrobat Sign for Government is back'),
    told(plan.wrongSecret.from, `DocuSign takes the secret of ${blockedClient} for wrong`),
    told(plan.wrongSecret.until, `the secret of ${blockedClient} is right again`),
    told(plan.throttleFrom, 'Adobe Acrobat Sign asks for patience (429)'),
    {
      at: plan.storeFailsAt,
      words: 'Secrets Manager fails some writes',
      run() {
        const what = { error: 'InternalServiceError' };
        storeFault = double.faults.add({ op: 'PutSecretValue', times: storeFailures, what });
        return true;
      },
    },
    {
      at: plan.flushAt,
      words: 'FLUSHALL: Redis forgets everything',
      name: 'FLUSHALL of Redis',
      async run() {
        await flushRedis();
        return true;
      },
    },
  ];
}

/** Requests refused outright before the provider answers 503 to the rest of the outage. */
const refusedTimes = 3;
const throttledTimes = 3;
/** Enough that a rotation gives up writing and leaves its sealed answer to recovery. */
const storeFailures = 6;

function injectProviderFaults({ sandbox, cast }: World, plan: Plan, counted: Count): void {
  const inject = (name: string, ...fault: Parameters<typeof sandbox.faults.inject>) =>
    counted(name, sandbox.faults.inject(...fault).fired);
  const down = { provider: 'adobe-acrobat-sign-gov', ...plan.outage };
  const unavailable = { error: 'temporarily_unavailable', error_description: 'Try again later.' };
  inject('provider down: refused', { kind: 'refuse' }, { ...down, times: refusedTimes });
  inject('provider down: 503', { kind: 'answer', when: 'before', status: 503, body: unavailable }, down);
  const { clientId } = credentialsOf(blockedClient);
  inject(
    'wrong client secret',
    { kind: 'wrongSecret' },
    { provider: 'docusign', client: clientId, ...plan.wrongSecret },
  );
  inject(
    'throttled with Retry-After',
    { kind: 'throttle', retryAfterMs: 2 * hourMs },
    { provider: 'adobe-acrobat-sign', from: plan.throttleFrom, times: throttledTimes },
  );
  // Before anything was committed: a provider that forgives no second try would have lost the token for us.
  const { id: connection } = cast.leads.unanswered;
  inject('an answer that never came', { kind: 'drop', when: 'before' }, { connection, times: 1 });
}
