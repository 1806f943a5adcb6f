/**
 * No request without an intent: when a worker posts, its disk has a record of this very token, and the mirror has
 * acknowledged that record at some time before.
 */
import type { SimDisk } from './files.ts';
import type { PlaceSources } from './places.ts';

export interface Post {
  readonly connection: string;
  /** Of the token that was posted. */
  readonly fingerprint: string;
}

export interface IntentSources {
  readonly connections: readonly string[];
  readonly sealed: PlaceSources['sealed'];
  readonly mirrored: PlaceSources['mirrored'];
  readonly diskOf: (actor: string) => SimDisk | undefined;
  /** A worker's last request, once the provider has it. */
  readonly lastPost: (actor: string) => Post | undefined;
}

export interface IntentRule {
  /** To be asked after every event at the mirror. */
  look(): void;
  /** What is wrong with a worker's last request. */
  objection(actor: string): { readonly connection: string; readonly what: string } | undefined;
}

export function createIntentRule(sources: IntentSources): IntentRule {
  const acknowledged = new Set<string>();
  return {
    look() {
      for (const connection of sources.connections)
        for (const attempt of sources.mirrored(connection).keys()) acknowledged.add(attempt);
    },
    objection(actor) {
      const post = sources.lastPost(actor);
      if (post === undefined) return undefined;
      const { connection, fingerprint } = post;
      const intents = [...(sources.diskOf(actor)?.files.values() ?? [])].flatMap((bytes) => {
        const intent = sources.sealed.inRecord(bytes, 'file')?.intent;
        return intent?.connection === connection && intent.fingerprintOld === fingerprint ? [intent] : [];
      });
      if (intents.length === 0) return { connection, what: `${actor} posted without an intent on its disk` };
      if (intents.some(({ attempt }) => acknowledged.has(attempt))) return undefined;
      return { connection, what: `${actor} posted before the mirror had its intent` };
    },
  };
}
