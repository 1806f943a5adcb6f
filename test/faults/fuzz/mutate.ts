/**
 * Small damage to a text that is almost right: what proxies, buggy servers, templates and hands make of an answer or a
 * document. Pure: the same mutation of the same text gives the same text, whatever it was given.
 */
import fc from 'fast-check';

/** What is done, and two numbers that say where and with what. */
export interface Mutation {
  readonly kind: MutationKind;
  readonly a: number;
  readonly b: number;
}

/** What may be put into a text: syntax out of place, numbers at the edges, characters no token has. */
const pieces = [
  '"', '\\', '{', '}', '[', ']', ',', ':', ' ', '\n', '\r\n', '\t', '\u0000', '\u0007', '\u001b[31m', '\ufeff', '\u00e9',
  '\ud800', '\u{1f511}', '\\u0000', '\\ud800', '\\u0041', '\\"', '\\\\', '/* x */', '// x\n', '<', '>', '<html>', '&', '=', '%',
  '%41', 'null', 'true', 'NaN', 'Infinity', '1e999', '-1', '0', '0x10', '12345678901234567890', '"refresh_token"',
  '"refresh_token":', '"refresh_token":null,', '"access_token":', '"error":"invalid_grant",', '"__proto__":{"a":1},',
  '"constructor":', '&refresh_token=', 'refresh_token=', '"data":', '{"', '"}', '":"', '","',
] as const; // biome-ignore format: one list

/** What may stand in the place of a member's value. */
const values = [
  'null', '""', '" "', 'true', 'false', '0', '-0', '-1', '1', '1e999', '-1e999', '1e15', '1596346168704', '9007199254740993',
  '12345678901234567890', '0.1', '"3600"', '"-5"', '"1e9"', '"NaN"', '"2026-11-20T08:00:00Z"', '[]', '{}', '[[[[]]]]', '"Bearer"',
  '"mac"', '"invalid_grant"', '"invalid_client"', '"changeme"', '"<token>"', '"https://127.0.0.1/"', '"http://api.na1.adobesign.com/"',
  '"https://api.na1.adobesign.com:8443/"', '"https://user@api.na1.adobesign.com/"', '"\\u0000"', '"\\ud800"', '"\u00e9"', '"__proto__"',
] as const; // biome-ignore format: one list

const keys = [
  'refresh_token', 'access_token', 'refreshToken', 'Refresh_Token', ' refresh_token', 'refresh_token ', 'token_type', 'expires_in',
  'refresh_token_expires_in', 'scope', 'error', 'error_description', 'code', 'message', 'data', 'status', 'success', '__proto__',
  'constructor', 'toString', 'provider', 'environment', 'client', 'pilotlight', 'expires_at', 'api_access_point', 'retryAfter',
  'request_id', '',
] as const; // biome-ignore format: one list

const kinds = {
  cut: (text: string, a: number) => text.slice(0, a % (text.length + 1)),
  drop: (text: string, a: number, b: number) => spliced(text, a, 1 + (b % 12), ''),
  repeat: (text: string, a: number, b: number) => {
    const at = a % (text.length + 1);
    return text.slice(0, at) + text.slice(at, at + 1 + (b % 40)) + text.slice(at);
  },
  insert: (text: string, a: number, b: number) => spliced(text, a, 0, pieces[b % pieces.length] ?? ''),
  swap: (text: string, a: number, b: number) => {
    const [from, to] = [a % (text.length + 1), b % (text.length + 1)].sort((x, y) => x - y) as [number, number];
    return (
      text.slice(0, from) +
      text.slice(to, to + 8) +
      text.slice(from + 8, to) +
      text.slice(from, from + 8) +
      text.slice(to + 8)
    );
  },
  revalue: (text: string, a: number, b: number) =>
    atMember(text, a, ({ from, to }) => text.slice(0, from) + (values[b % values.length] ?? '') + text.slice(to)),
  rename: (text: string, a: number, b: number) =>
    atMember(
      text,
      a,
      ({ keyFrom, keyTo }) => text.slice(0, keyFrom) + JSON.stringify(keys[b % keys.length]) + text.slice(keyTo),
    ),
  double: (text: string, a: number, b: number) =>
    atMember(text, a, ({ keyFrom, to }) => {
      const member = text.slice(keyFrom, to);
      const again = b % 2 === 0 ? member : member.replace(/"[^"]*"\s*$/, '"another-value-altogether-0123"');
      return `${text.slice(0, to)},${again}${text.slice(to)}`;
    }),
  escape: (text: string, a: number) =>
    atMember(text, a, ({ from, to }) => {
      const escaped = text.slice(from + 1, to - 1).replace(/[A-Za-z]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
      return text[from] === '"' ? `${text.slice(0, from)}"${escaped}"${text.slice(to)}` : text;
    }),
  pad: (text: string, a: number, b: number) =>
    atMember(
      text,
      a,
      ({ from, to }) =>
        `${text.slice(0, from)}${' '.repeat(b % 30)}${text.slice(from, to)}${'\n'.repeat(b % 5)}${text.slice(to)}`,
    ),
  respell: (text: string, a: number, b: number) =>
    atMember(text, a, ({ keyFrom, keyTo }) => {
      const key = text.slice(keyFrom, keyTo);
      const other = [key.toUpperCase(), key.replaceAll('_', '-'), key.replaceAll('_', ''), key.replace('"', '" ')];
      return text.slice(0, keyFrom) + (other[b % other.length] ?? key) + text.slice(keyTo);
    }),
  wrap: (text: string, _a: number, b: number) =>
    [
      `{"data":${text}}`,
      `[${text}]`,
      `{"code":0,"message":"ok","data":${text}}`,
      `<html>${text}</html>`,
      `"${text}"`,
      `)]}'\n${text}`,
      `cb(${text})`,
    ][b % 7] ?? text,
  twice: (text: string, _a: number, b: number) => text + ['', '\n', ',', ' '][b % 4] + text,
  nest: (text: string, a: number, b: number) => {
    const depth = [3, 33, 66, 400, 5_000][b % 5] ?? 3;
    return spliced(text, a, 0, b % 2 === 0 ? '['.repeat(depth) + ']'.repeat(depth) : '{"a":'.repeat(depth));
  },
  lengthen: (text: string, a: number, b: number) => {
    const length = [40, 500, 4_097, 8_193, 20_000, 66_000][b % 6] ?? 40;
    return spliced(text, a, 0, ['x', '"', '\\"', '\u00e9', ' ', '7'][(a + b) % 6]?.repeat(length) ?? '');
  },
} as const;

export type MutationKind = keyof typeof kinds;
export const mutationKinds = Object.keys(kinds) as MutationKind[];

/** Those that make a text large are rare: they cost a hundred times as much. */
const weightOf = (kind: MutationKind) => (kind === 'lengthen' || kind === 'nest' ? 1 : 6);

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.oneof(...mutationKinds.map((kind) => ({ weight: weightOf(kind), arbitrary: fc.constant(kind) }))),
  a: fc.nat(4_000),
  b: fc.nat(4_000),
});

export function mutated(text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce((now, { kind, a, b }) => kinds[kind](now, a, b), text);
}

function spliced(text: string, at: number, remove: number, put: string): string {
  const from = at % (text.length + 1);
  return text.slice(0, from) + put + text.slice(from + remove);
}

interface MemberPlace {
  readonly keyFrom: number;
  readonly keyTo: number;
  readonly from: number;
  readonly to: number;
}

/** The nth thing that looks like a member with a plain value; the text as it is where nothing does. */
function atMember(text: string, nth: number, change: (place: MemberPlace) => string): string {
  const found = [...text.matchAll(/("(?:[^"\\]|\\.){0,64}")(\s*:\s*)("(?:[^"\\]|\\.)*"|[^\s,{}[\]"]+)/g)];
  const match = found[nth % Math.max(found.length, 1)];
  if (match === undefined) return text;
  const [, key = '', colon = '', value = ''] = match;
  const keyFrom = match.index;
  const from = keyFrom + key.length + colon.length;
  return change({ keyFrom, keyTo: keyFrom + key.length, from, to: from + value.length });
}
