/** Connections' documents out of nothing: members of the customer's around ours, in every layout a person or a tool gives them. */
import fc from 'fast-check';
import { defaultFieldNames } from '../../src/connection/document.ts';

const plain = (key: string) => key.toLowerCase().replaceAll(/[_-]/g, '');
const touched = new Set(Object.entries(defaultFieldNames).map(([, name]) => plain(name)));
const foreignKey = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((key) => !touched.has(plain(key)) && key !== '__proto__');
const layouts = fc.constantFrom<[string, string]>(
  ['', '\n'],
  ['  ', '\n'],
  ['    ', '\r\n'],
  ['\t', '\n'],
  ['\t', '\r\n'],
);
/** Names of the customer's own members, and the text. A member `last` is there always. */
export const documents = fc
  .tuple(
    fc.dictionary(foreignKey, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 }),
    fc.subarray(['refresh_token', 'accessToken', 'EXPIRES_AT', 'pilotlight']),
    layouts,
    fc.boolean(),
    fc.constantFrom('', '\n', ' \r\n'),
  )
  .map(([others, present, [indent, eol], bom, tail]) => {
    const values = {
      refresh_token: 'old',
      accessToken: 'at',
      EXPIRES_AT: 1_763_712_000,
      pilotlight: { spent: ['s'] },
    };
    const mine = Object.fromEntries(present.map((key) => [key, values[key as keyof typeof values]]));
    const text = JSON.stringify({ ...others, ...mine, last: [1, { a: 2 }] }, null, indent).replaceAll('\n', eol);
    return { others: Object.keys(others), text: (bom ? '\ufeff' : '') + text + tail };
  })
  .filter(({ text }) => !text.includes('__proto__'));
