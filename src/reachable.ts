/**
 * Watches the calls a process makes anyway, and tells whether the store and the token endpoints can be reached: for readiness,
 * the log (once as one goes, once as it is back) and the clock of the store. The calls themselves pass through untouched.
 */
import type { OAuthEndpoint } from './oauth/token-endpoint.ts';
import type { SecretStore } from './rotation/ports.ts';
import type { Clock } from './runtime/clock.ts';
import { errorLabel } from './runtime/errors.ts';
import type { Logger } from './runtime/logger.ts';
import { createOutages, type Outage, type Outages } from './runtime/outage.ts';
import { createSkewWatch, type SkewWatch } from './secrets/clock-skew.ts';

export interface Reachable {
  readonly outages: Outages;
  readonly skew: SkewWatch;
  /** Monotonic ms since the store last answered or failed; without end before the first call. */
  storeQuietMs(): number;
  watchStore<S extends SecretStore>(store: S): S;
  watchEndpoint(endpoint: OAuthEndpoint): OAuthEndpoint;
}

/** What is away is named so in logs; token endpoints by their host behind `endpoint:`. */
const names = { reads: 'store', list: 'store list', writes: 'store writes' } as const;
const endpointPrefix = 'endpoint:';
/** Without these no work can be taken. */
const essential: readonly string[] = [names.reads, names.list, 'redis'];

export function createReachable({ clock, log }: { readonly clock: Clock; readonly log: Logger }): Reachable {
  const outages = createOutages(clock, (name, now, before) => {
    const away = now ?? before;
    const fields = { what: name, why: away?.why, since: new Date(away?.since ?? 0).toISOString() };
    if (now !== undefined) log.warn('outage.begun', fields);
    else log.info('outage.over', fields);
  });
  let heardMs = Number.NEGATIVE_INFINITY;

  /** A call about one secret: that it is denied or broken is that connection's own trouble, not the store's. */
  function noteSecret(what: 'reads' | 'writes', outcome: string): void {
    heardMs = clock.monotonic();
    if (outcome === 'store_unavailable') outages.failed(names[what], 'unreachable');
    else if (outcome === 'ok' || (outcome.startsWith('store_') && outcome !== 'store_throttled'))
      outages.worked(names[what]);
  }

  /** A call about all of them: who may not list finds nothing, whatever may be read. */
  function noteList(outcome: string): void {
    heardMs = clock.monotonic();
    if (outcome === 'ok') {
      outages.worked(names.list);
      outages.worked(names.reads);
    } else if (outcome === 'store_unavailable') outages.failed(names.reads, 'unreachable');
    else if (outcome.startsWith('store_') && outcome !== 'store_throttled')
      outages.failed(names.list, outcome === 'store_denied' ? 'denied' : 'refused');
  }

  const watched =
    <A extends unknown[], R>(what: 'reads' | 'writes', call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        const answer = await call(...args);
        noteSecret(what, 'ok');
        return answer;
      } catch (error) {
        noteSecret(what, errorLabel(error));
        throw error;
      }
    };

  return {
    outages,
    skew: createSkewWatch(log),
    storeQuietMs: () => clock.monotonic() - heardMs,
    watchStore: (store) => ({
      ...store,
      async *list() {
        try {
          for await (const page of store.list()) {
            noteList('ok');
            yield page;
          }
          noteList('ok');
        } catch (error) {
          noteList(errorLabel(error));
          throw error;
        }
      },
      async readMany(names) {
        const answers = await store.readMany(names);
        for (const answer of answers) noteSecret('reads', answer instanceof Error ? errorLabel(answer) : 'ok');
        return answers;
      },
      describe: watched('reads', store.describe),
      read: watched('reads', store.read),
      versions: watched('reads', store.versions),
      put: watched('writes', store.put),
      moveStage: watched('writes', store.moveStage),
      tag: watched('writes', store.tag),
      untag: watched('writes', store.untag),
    }),
    watchEndpoint: (endpoint) => ({
      ...endpoint,
      async send(request) {
        const exchange = await endpoint.send(request);
        const name = endpointPrefix + request.host;
        if (exchange.kind === 'notSent') outages.failed(name, 'unreachable');
        else if (exchange.kind === 'unanswered') outages.failed(name, 'no_answer');
        else if (exchange.answer.status >= 500) outages.failed(name, 'failing');
        else outages.worked(name);
        return exchange;
      },
    }),
  };
}

/** An outage in words, for whoever reads a probe's answer: what it is, since when, what to look at. No name of a secret. */
export function outageWords(name: string, { why, since }: Outage): string {
  return `${wordsFor(why)} since ${new Date(since).toISOString()}: ${adviceFor(name, why)}`;
}

function wordsFor(why: string): string {
  switch (why) {
    case 'denied':
      return 'access denied';
    case 'unreachable':
      return 'cannot be reached';
    case 'no_answer':
      return 'gives no answer';
    case 'unsuitable':
      return 'is not fit to be used';
    case 'failing':
      return 'answers with errors of its own';
    default:
      return 'refuses what it is asked';
  }
}

function adviceFor(name: string, why: string): string {
  if (why === 'unsuitable') return 'set its maxmemory-policy to noeviction; until then no token is spent';
  if (name === 'redis')
    return 'check that it runs, its address, network and password; work goes on by itself once it is back';
  if (name.startsWith(endpointPrefix)) return 'its connections wait; nothing to do unless only we are cut off';
  if (why === 'denied') return 'check the credentials and permissions of this process; pilotlight doctor says which';
  if (why === 'unreachable')
    return 'check network, endpoint and the health of the store; work waits and goes on by itself';
  return 'check region, endpoint and permissions; pilotlight doctor says which';
}

/** What stands in the way of all work: the store, which is the only truth. In words; undefined where nothing does. */
export function storeInTheWay(outages: Outages): string | undefined {
  const found = [names.reads, names.list].flatMap((name) => outages.of(name) ?? []);
  return found[0] === undefined ? undefined : outageWords(names.reads, found[0]);
}

/** What does not stop this process from taking work, in words: token endpoints that are away, and writes that fail. */
export function outageNotes(outages: Outages): readonly string[] {
  return [...outages.read()]
    .filter(([name]) => !essential.includes(name))
    .map(([name, outage]) => `${name.replace(endpointPrefix, '')} ${outageWords(name, outage)}`);
}
