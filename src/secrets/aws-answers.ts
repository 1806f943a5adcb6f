/** Answers of the SDK as the store's nouns. Nothing is changed: a value goes back in the form it came. */
import type { SecretDescription, SecretValue, SecretVersion, VersionSummary } from '../rotation/ports.ts';
import { PilotlightError } from '../runtime/errors.ts';
import { Secret } from '../runtime/secret.ts';

interface DescribedSecret {
  readonly ARN?: string | undefined;
  readonly Name?: string | undefined;
  readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
  readonly VersionIdsToStages?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly SecretVersionsToStages?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly DeletedDate?: Date | undefined;
  readonly PrimaryRegion?: string | undefined;
}

/** Region of an ARN: arn:aws:secretsmanager:REGION:account:secret:name. */
function regionOf(arn: string | undefined): string | undefined {
  return arn?.split(':')[3];
}

export function description(answer: DescribedSecret): SecretDescription {
  const { PrimaryRegion: primary, DeletedDate: deleted } = answer;
  return {
    name: answer.Name ?? '',
    tags: Object.fromEntries((answer.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? ''])),
    stages: answer.VersionIdsToStages ?? answer.SecretVersionsToStages ?? {},
    ...(deleted === undefined ? {} : { deletedAt: deleted.getTime() }),
    // AWS names the primary Region of a primary too; only where it differs is this a replica.
    ...(primary === undefined || primary === regionOf(answer.ARN) ? {} : { primaryRegion: primary }),
  };
}

interface ValuedSecret {
  readonly Name?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Uint8Array | undefined;
  readonly VersionStages?: readonly string[] | undefined;
  readonly CreatedDate?: Date | undefined;
}

function value(answer: ValuedSecret, name: string): SecretValue {
  if (answer.SecretString !== undefined) return { text: new Secret(answer.SecretString) };
  const bytes = answer.SecretBinary;
  if (bytes !== undefined) return { binary: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  throw new PilotlightError('store_invalid', `the version of ${name} holds neither text nor bytes`);
}

export function version(answer: ValuedSecret, name: string): SecretVersion {
  return { ...summary(answer), value: value(answer, name) };
}

export function summary(answer: Pick<ValuedSecret, 'VersionId' | 'VersionStages' | 'CreatedDate'>): VersionSummary {
  return {
    versionId: answer.VersionId ?? '',
    stages: answer.VersionStages ?? [],
    createdAt: answer.CreatedDate?.getTime() ?? 0,
  };
}

/** A value as a request carries it. */
export function valueInput(stored: SecretValue): { SecretString: string } | { SecretBinary: Uint8Array } {
  return 'text' in stored ? { SecretString: stored.text.reveal() } : { SecretBinary: stored.binary };
}
