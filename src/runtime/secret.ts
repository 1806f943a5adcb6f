import { inspect } from 'node:util';

/**
 * A token, client secret or key. Every way of printing it gives `[redacted]`, so that a log line, an error or a JSON
 * document cannot carry it by accident; only `reveal()` gives the text, and a review can list its callers.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself, for the wire and the store only. */
  reveal(): string {
    return this.#text;
  }

  equals(other: Secret): boolean {
    return this.#text === other.#text;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}
