/**
 * What is wrong with a configuration, as a person mends it: file, line, key, what is wrong, what to do. A problem never
 * quotes a value, because a mistyped line may hold a password.
 */
import type { z } from 'zod';
import { didYouMean, sameWord } from './did-you-mean.ts';
import { keysAt } from './schema-walk.ts';

export interface Problem {
  /** Path of the file, or `environment` for an environment variable. */
  readonly file: string;
  /** Counted from 1, where known. */
  readonly line?: number;
  /** Dotted path of the key, or the variable's name; '' for the file as a whole. */
  readonly key: string;
  /** Continues a sentence that starts with the key. */
  readonly message: string;
  /** What to do. */
  readonly fix?: string;
}

/** A problem before it is known in which file the key stands. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly fix?: string;
}

/** One line for a person: `pilotlight.yaml:12: web.port must be at most 65535; fix`. */
export function formatProblem({ file, line, key, message, fix }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return `${where}: ${key === '' ? '' : `${key} `}${message}${fix === undefined ? '' : `; ${fix}`}`;
}

export function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

/** What zod found, in words. Unknown keys become one finding each, with the key that was probably meant. */
export function findingsOf(error: z.ZodError, schema: z.ZodType): Finding[] {
  return error.issues.flatMap((issue): Finding[] => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, ...wording(issue) }];
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({ path: [...issue.path, key], ...unknownKey(key, known) }));
  });
}

/** Keys under which people put secrets. */
const secretKey =
  /^(?:previous_?)?client_?secret$|password$|passphrase$|access_?key|session_?token$|^refresh_?token$|^private_?key$/i;

function unknownKey(key: string, known: readonly string[]): { message: string; fix: string } {
  if (secretKey.test(key) && !known.some((other) => sameWord(other, key))) {
    return {
      message: 'would put a secret into this file, which is refused',
      fix: 'take it out, replace it at its issuer if the file was shared, and name where it is instead (clients: secret or clientSecretEnv; Redis: REDIS_URL)',
    };
  }
  const meant = didYouMean(key, known);
  return {
    message: 'is not a setting',
    fix: meant === undefined ? `known here: ${known.join(', ') || 'none'}` : `did you mean ${meant}?`,
  };
}

function wording(issue: z.core.$ZodIssue): { message: string; fix?: string } {
  switch (issue.code) {
    case 'custom':
      return { message: issue.message };
    case 'invalid_type':
      return wrongType(issue);
    case 'invalid_value':
      return { message: `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}` };
    case 'too_small':
      return {
        message: said(
          issue.message,
          `must ${bound(issue.origin)} ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`,
        ),
      };
    case 'too_big':
      return {
        message: said(
          issue.message,
          `must ${bound(issue.origin)} ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`,
        ),
      };
    case 'invalid_key':
      return { message: `is not a usable name: it ${issue.issues[0]?.message ?? 'is refused'}` };
    case 'invalid_format':
      return { message: said(issue.message, 'is not written as it must be') };
    default:
      return { message: said(issue.message, 'is none of the forms it may have') };
  }
}

function bound(origin: string): string {
  return origin === 'array' || origin === 'string' ? 'have a length of' : 'be';
}

function wrongType(issue: z.core.$ZodIssueInvalidType): { message: string; fix?: string } {
  // zod leaves the input out of what it reports; its own message ends in the type that was received.
  const received = /received (\w+)$/.exec(issue.message)?.[1];
  if (received === 'undefined') return { message: 'is missing' };
  if (issue.expected === 'string' && received === 'number') {
    return { message: 'must be text', fix: 'write a duration with its unit, like 90s, and other text in quotes' };
  }
  const names: Record<string, string> = {
    object: 'a section of keys',
    record: 'a section of keys',
    array: 'a list',
    string: 'text',
    int: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
  };
  return { message: `must be ${names[issue.expected] ?? issue.expected}` };
}

/** Our own wording where the schema gives one; zod's stock sentences are replaced. */
function said(message: string, otherwise: string): string {
  return /^(?:Too (?:small|big)|Invalid )/.test(message) ? otherwise : message;
}
