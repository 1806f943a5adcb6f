/** The customer's pages as text: a page for every end, and nothing from outside that is more than text. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consentEnds } from '../../src/reconsent/end.ts';
import { createReconsent } from '../../src/reconsent/reconsent.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import { endPage, startPage } from '../../src/web/reconsent-pages.ts';
import { reconsentSheet } from '../../src/web/reconsent-style.ts';
import { endWords } from '../../src/web/reconsent-words.ts';

const frame = { base: '', name: 'Acme' };
const subject = { connection: 'acme/esign', provider: 'Some Sign', environment: 'production', owner: 'Acme Corp' };
const form = { action: '/reconsent/abc', token: 'form-token' };
const hostile = `"><script>alert(1)</script><img src=x onerror='x'>\u202e\u0000`;

const structure = (page: string) => page.replaceAll(/>[^<]*</g, '><').replaceAll(/="[^"]*"/g, '=""');

describe('every end', () => {
  test.each(consentEnds)('%s has a title, words and what to do, and a status that fits', (end) => {
    const words = endWords(end);
    const page = endPage({ kind: 'end', end, subject }, frame);
    for (const text of ['title', 'text', 'next'] as const) expect(words[text].length).toBeGreaterThan(10);
    expect(page.match(/<h1>/g)).toHaveLength(1);
    expect(page).toMatch(/<html lang="en">.*<meta name="viewport"/s);
    expect(words.status === 200).toBe(words.tone === 'good');
    expect(page).not.toMatch(/<script|<form|(?:href|src)="https?:/);
  });

  test('has a title of its own', () => {
    expect(new Set(consentEnds.map((end) => endWords(end).title)).size).toBe(consentEnds.length);
  });
});

describe('text of others', () => {
  test.each(['connection', 'provider', 'environment', 'owner'] as const)('in %s changes no markup', (field) => {
    const odd = { ...subject, environment: 'demo', [field]: hostile };
    const plain = { ...subject, environment: 'demo' };
    for (const isNew of [true, false])
      expect(structure(startPage({ kind: 'open', isNew, subject: odd }, form, frame))).toBe(
        structure(startPage({ kind: 'open', isNew, subject: plain }, form, frame)),
      );
    const page = endPage({ kind: 'end', end: 'denied', subject: odd }, frame);
    expect(structure(page)).toBe(structure(endPage({ kind: 'end', end: 'denied', subject: plain }, frame)));
    expect(page).not.toMatch(/\u202e|<script|<img/);
  });

  test('told by the provider, in our name or as support, is text whatever it is', () => {
    const plain = structure(endPage({ kind: 'end', end: 'denied', subject, told: 'x' }, { ...frame, support: 'x' }));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (told) => {
        const page = endPage({ kind: 'end', end: 'denied', subject, told }, { ...frame, name: told, support: told });
        expect(structure(page)).toBe(plain);
      }),
    );
  });
});

describe('the start page', () => {
  const page = startPage({ kind: 'open', isNew: false, subject }, form, frame);

  test('has one form with one button that posts to itself, and works without a script', () => {
    expect(page.match(/<form method="post" action="\/reconsent\/abc">/g)).toHaveLength(1);
    expect(page.match(/<button/g)).toHaveLength(1);
    expect(page).not.toMatch(/<script|\son\w+=|javascript:|style="/);
  });

  test('loads nothing from elsewhere, and lies under a path where a proxy puts it', () => {
    expect(page).not.toMatch(/(?:href|src|action)="(?!\/)/);
    expect(reconsentSheet).not.toMatch(/url\(|@import/);
    const below = startPage({ kind: 'open', isNew: false, subject }, form, { ...frame, base: '/pilot' });
    expect(below).toContain('href="/pilot/reconsent/style.css?');
  });

  test('says who asks, says a notice as an alert, and leaves out what is not known', () => {
    expect(page).toContain('Acme Corp');
    expect(page).not.toContain('(production)');
    const { owner: _, ...bare } = subject;
    const noticed = startPage({ kind: 'open', isNew: false, subject: bare }, { ...form, notice: 'Again.' }, frame);
    expect(noticed).toContain('role="alert">Again.');
    expect(noticed).not.toContain('Belongs to');
  });
});

test.each([
  'http://connect.example',
  'ftp://connect.example',
  'https://connect.example/?a=b',
  'https://connect.example/#a',
  'http://localhost.evil.example',
  'nonsense',
])('%s is no address customers can be sent to', (publicUrl) => {
  const make = () => createReconsent({ publicUrl } as Parameters<typeof createReconsent>[0]);
  expect(make).toThrow(expect.toSatisfy((error) => hasCode(error, 'config_invalid')));
});
