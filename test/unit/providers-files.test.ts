/** The provider files that come with the service. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { providerFile, providerNames } from '../support/provider-files.ts';

const day = 86_400_000;

test('every file is read, and names itself', () => {
  const files = readdirSync(new URL('../../config/providers/', import.meta.url)).sort();
  expect(files).toEqual(providerNames.map((name) => `${name}.yaml`).sort());
  for (const name of providerNames) {
    const file = providerFile(name);
    expect(file.name).toBe(name);
    expect(file.documentation.every((page) => page.startsWith('https://'))).toBe(true);
    expect(file.documentation.length).toBeGreaterThan(1);
  }
});

test('lifetimes are those the providers document', () => {
  const [withExtended, without, unclear] = providerFile('docusign').lifetimes;
  expect(withExtended).toMatchObject({ when: { scopeIncludes: 'extended' }, idle: 30 * day });
  expect(withExtended).not.toHaveProperty('absolute');
  expect(without).toMatchObject({ when: { scopeLacks: 'extended' }, absolute: 30 * day, advice: expect.any(String) });
  expect(without).not.toHaveProperty('idle');
  expect(unclear).toMatchObject({ when: { scopeUnknown: true }, idle: 30 * day, absolute: 30 * day });
  expect(providerFile('adobe-acrobat-sign').lifetimes).toEqual([{ idle: 60 * day }]);
  expect(providerFile('adobe-acrobat-sign-gov').lifetimes).toEqual([{ idle: 30 * day }]);
  expect(providerFile('esignglobal').lifetimes).toMatchObject([{ idle: 30 * day, absolute: 365 * day }]);
});

test('a client_credentials connection of eSignGlobal is refused with the reason', () => {
  expect(providerFile('esignglobal').refuseGrants.client_credentials).toContain('nothing to keep alive');
});

test('the generic file points at a host that cannot exist', () => {
  for (const { tokenUrl, revocationUrl } of Object.values(providerFile('oauth2').environments)) {
    expect(new URL(tokenUrl).hostname).toMatch(/\.invalid$/);
    expect(new URL(revocationUrl ?? '').hostname).toMatch(/\.invalid$/);
  }
});

test('a broken regular expression in a provider file is refused', () => {
  expect(() => providerFile('oauth2', { errors: [{ description: '(', means: 'grant' }] })).toThrow(
    /regular expression/,
  );
  expect(() => providerFile('oauth2', { accessPoints: ['['] })).toThrow(/regular expression/);
});
