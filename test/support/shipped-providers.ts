/** The provider files as the service reads them. Imports no test runner: fault suites run without one. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Provider, provider } from '../../config/provider.ts';

export const providerNames = [
  'docusign',
  'adobe-acrobat-sign',
  'adobe-acrobat-sign-gov',
  'esignglobal',
  'oauth2',
] as const;
export type ProviderName = (typeof providerNames)[number];

/** Reads and checks `config/providers/<name>.yaml`, with members of the file replaced. */
export function providerFile(name: ProviderName, changes: Record<string, unknown> = {}): Provider {
  const path = new URL(`../../config/providers/${name}.yaml`, import.meta.url);
  return provider.parse({ ...parse(readFileSync(path, 'utf8')), ...changes });
}
