/** The secret store's calls in a trace: an AWS SDK client span by OpenTelemetry's conventions, or a step on our own disk. */
import type { StepDetails, Tracer } from '../runtime/tracer.ts';
import { type SecretStore, stage } from './ports.ts';

type Operation = 'describe' | 'read' | 'versions' | 'put' | 'moveStage' | 'tag' | 'untag';

const awsMethods: Readonly<Record<Operation, string>> = {
  describe: 'DescribeSecret',
  read: 'GetSecretValue',
  versions: 'ListSecretVersionIds',
  put: 'PutSecretValue',
  moveStage: 'UpdateSecretVersionStage',
  tag: 'TagResource',
  untag: 'UntagResource',
};

/** `idOf` answers the connection a secret's full name stands for. Listing is inventory's, and has no span. */
export function tracedStore(
  store: SecretStore,
  tracer: Tracer,
  kind: 'aws' | 'file',
  idOf: (name: string) => string | undefined,
): SecretStore {
  const step = <T>(operation: Operation, word: string, name: string, call: () => Promise<T>): Promise<T> => {
    const ours = { 'pilotlight.step': word, 'pilotlight.connection': idOf(name) };
    return kind === 'aws'
      ? tracer.step(`SecretsManager.${awsMethods[operation]}`, awsDetails(operation, ours), call)
      : tracer.step(`store ${operation}`, { attributes: ours }, call);
  };
  return {
    list: () => store.list(),
    readMany: (names) => store.readMany(names),
    describe: (name) => step('describe', 'describe', name, () => store.describe(name)),
    read: (name, which) => step('read', 'stage' in which ? 'read' : 'verify', name, () => store.read(name, which)),
    versions: (name) => step('versions', 'versions', name, () => store.versions(name)),
    put: (name, version) =>
      step('put', version.stages.includes(stage.probe) ? 'probe' : 'put', name, () => store.put(name, version)),
    moveStage: (name, move) =>
      step('moveStage', move.stage === stage.current ? 'swap' : 'label', name, () => store.moveStage(name, move)),
    tag: (name, tags) => step('tag', 'flag', name, () => store.tag(name, tags)),
    untag: (name, keys) => step('untag', 'unflag', name, () => store.untag(name, keys)),
  };
}

/** https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/ */
function awsDetails(operation: Operation, ours: StepDetails['attributes']): StepDetails {
  const method = `SecretsManager/${awsMethods[operation]}`;
  return { kind: 'client', attributes: { 'rpc.system.name': 'aws-api', 'rpc.method': method, ...ours } };
}
