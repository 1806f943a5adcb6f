/** What a secret of a DocuSign connection holds, whole or with fields of it changed: for tests of contents nobody expects. */
import type { Consented } from '../../src/sandbox/providers/sandbox.ts';
import { documentOf } from './world.ts';

export const whole = (held: Consented): string => JSON.stringify(documentOf('docusign', held));

export const changed =
  (change: Record<string, unknown>) =>
  (held: Consented): string =>
    JSON.stringify({ ...documentOf('docusign', held), ...change });
