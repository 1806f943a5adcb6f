/** A client's secret as JSON: what it must hold, and how to say what is wrong with it without quoting it. */
import { isUtf8 } from 'node:buffer';
import type { ClientCredentials, SecretValue } from '../rotation/ports.ts';
import { Secret } from '../runtime/secret.ts';

export type CredentialsReading = { readonly credentials: ClientCredentials } | { readonly problem: string };

class Problem extends Error {}

function parse(value: SecretValue): Readonly<Record<string, unknown>> {
  if ('binary' in value && !isUtf8(value.binary)) throw new Problem('holds bytes that are no text');
  const text = 'text' in value ? value.text.reveal() : value.binary.toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new Problem('is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Problem('is no JSON object');
  return parsed as Record<string, unknown>;
}

/** A member's text; undefined where it is missing or null. White space round it is a slip in copying that providers refuse. */
function member(document: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = Object.hasOwn(document, field) ? document[field] : undefined;
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new Problem(`has a ${field} that is no text`);
  if (value.trim() !== value) throw new Problem(`has a ${field} with white space around it`);
  return value;
}

function required(document: Readonly<Record<string, unknown>>, field: string): string {
  const value = member(document, field);
  if (value === undefined) throw new Problem(`has no ${field}`);
  return value;
}

/** Reads `client_id`, `client_secret` and `previous_client_secret`; a public client may lack secrets. */
export function readCredentials(value: SecretValue, options: { readonly publicClient: boolean }): CredentialsReading {
  try {
    const document = parse(value);
    const clientId = required(document, 'client_id');
    const read = options.publicClient ? member : required;
    const clientSecret = read(document, 'client_secret');
    const previous = member(document, 'previous_client_secret');
    return {
      credentials: {
        clientId,
        ...(clientSecret === undefined ? {} : { clientSecret: new Secret(clientSecret) }),
        ...(previous === undefined ? {} : { previousClientSecret: new Secret(previous) }),
      },
    };
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message };
    throw error;
  }
}
