/**
 * The way of a customer who authorises again: a link is made and looked at, an authorisation begun, its callback finished.
 * Every end is a value; nothing here logs a link, code, state, token or cookie.
 */
import { PilotlightError } from '../runtime/errors.ts';
import { formToken, newBrowser, type SentForm } from './browser.ts';
import { type Callback, finishConsent } from './callback.ts';
import { type LinkSubject, linkUrl, newLink } from './link.ts';
import type { Ended, ReconsentOptions, Settled } from './options.ts';
import { type BegunConsent, begin, lookAt, type OpenLink } from './start.ts';

export interface Reconsent {
  /** A link to be sent to a connection's owner. Throws refused where its id is too long for one. */
  linkFor(subject: LinkSubject): string;
  /** What a link is about now. Starts nothing: programs that preview links ask too. */
  look(token: string): Promise<OpenLink | Ended>;
  /** The button was pressed. */
  begin(token: string, form: SentForm): Promise<BegunConsent | Ended>;
  /** The provider sent the browser back. */
  finish(callback: Callback): Promise<Ended>;
  /** A browser that is met for the first time. */
  newBrowser(): string;
  /** What the form of a link's page bears in this browser. */
  formToken(token: string, browser: string): string;
  /**
   * No grant is taken in hand any more; resolves once those in hand are in the store, so that what they need can be closed.
   * A callback that comes later is told that it is not the moment, and can be finished elsewhere.
   */
  settled(): Promise<void>;
}

const defaults = { writeLimitMs: 30_000, allowAccountChange: false, accountField: 'account_id', newTags: {} };

/** Throws config_invalid where the public address is none a browser keeps a cookie safe for. */
export function createReconsent(options: ReconsentOptions): Reconsent {
  checkPublicUrl(options.publicUrl);
  const { clock, random, keys, publicUrl, linkLifeMs, ...rest } = options;
  const settled: Settled = { ...defaults, ...rest, clock, random, keys, publicUrl };
  const life = linkLifeMs === undefined ? {} : { lifeMs: linkLifeMs };
  const underWay = new Set<Promise<Ended>>();
  let leaving = false;
  return {
    linkFor: (subject) => linkUrl(publicUrl, newLink(subject, { now: clock.now(), random, ...life }), keys),
    look: (token) => lookAt(token, settled),
    begin: (token, form) => begin(token, form, settled),
    finish(callback) {
      const work = finishConsent(callback, settled, () => leaving);
      underWay.add(work);
      return work.finally(() => underWay.delete(work));
    },
    newBrowser: () => newBrowser(random),
    formToken: (token, browser) => formToken(keys, token, browser),
    async settled() {
      leaving = true;
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

function checkPublicUrl(publicUrl: string): void {
  const url = URL.parse(publicUrl);
  const local = url?.protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !local) || url.search !== '' || url.hash !== '')
    throw new PilotlightError(
      'config_invalid',
      'the public address for re-consent must be https:// (http:// on loopback only), without a query',
    );
}
