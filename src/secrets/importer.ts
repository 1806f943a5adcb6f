/**
 * Making new secrets. Only `pilotlight import` does it, with the operator's own rights; the service itself never creates a
 * secret and needs no permission to.
 */
import type { SecretValue } from '../rotation/ports.ts';

export interface SecretImporter {
  /**
   * Makes a secret with the value as AWSCURRENT. Throws store_exists where there is one of this name, store_deleted where
   * one waits for its deletion, and otherwise what a write of SecretStore throws. AWS: needs secretsmanager:CreateSecret
   * and secretsmanager:TagResource.
   */
  create(name: string, value: SecretValue, tags: Readonly<Record<string, string>>): Promise<void>;
}
