/** Step 5: everything that can be known to go wrong is found before the token is spent. */
import type { Reason } from '../connection/entry.ts';
import { hasCode } from '../runtime/errors.ts';
import { Secret } from '../runtime/secret.ts';
import { entryAfter, entryRetrying, isUrgent, type Rotation, report, type Subject } from './attempt.ts';
import type { RotationReport } from './outcome.ts';
import { type ClientHealth, type PreparedRequest, stage } from './ports.ts';
import { answerWillFit } from './renewal.ts';
import { reasonOf } from './write-back.ts';

/** Says what it is to whoever finds it; holds nothing. */
const probeValue = { text: new Secret('written by Pilotlight to prove that this secret can be written; not in use') };

export interface Readiness {
  readonly request: PreparedRequest;
  /** Which client secret the request carries. */
  readonly secret: ClientHealth['secret'];
  /** The client secret in it: a provider's words are held against it before they are shown. */
  readonly clientSecret: Secret | undefined;
  readonly lastSuccessAt: number | null;
}

export async function checkReadiness(
  rotation: Rotation,
  subject: Subject,
): Promise<Readiness | { report: RotationReport }> {
  const { ports, settings, asked } = rotation;
  const { standing } = subject;
  const now = ports.clock.now();
  const later = (reason: Reason) => ({
    report: report(rotation, 'retryLater', reason, {
      at: standing.at,
      entry: entryRetrying(rotation, subject, reason),
    }),
  });
  const health = await ports.clients.health(standing.at);
  if (health.heldUntil > now && asked !== 'manual') {
    const entry = entryRetrying(rotation, subject, 'throttled', health.heldUntil);
    return { report: report(rotation, 'throttled', 'throttled', { at: standing.at, entry }) };
  }
  const urgent = isUrgent(subject, now, settings);
  if (health.breaker === 'open' && asked !== 'probe' && asked !== 'manual' && !urgent) {
    const suspect = subject.known?.state === 'suspect' ? subject.known : undefined;
    const entry = suspect ?? entryAfter(subject, now, { state: 'blocked', reason: 'client_rejected', nextAt: now });
    return {
      report: report(rotation, 'retryLater', 'client_rejected', { at: standing.at, entry: { ...entry, nextAt: now } }),
    };
  }
  if (!answerWillFit(standing.document, standing.provider, ports.rules.names)) {
    const entry = entryAfter(subject, now, { state: 'invalid', reason: 'too_large', nextAt: now + 3_600_000 });
    return { report: report(rotation, 'quarantined', 'too_large', { at: standing.at, entry }) };
  }
  const unwritable = await proveWritable(rotation, subject);
  if (unwritable !== undefined) return later(unwritable);
  return prepare(rotation, subject, health, later);
}

async function prepare(
  { ports }: Rotation,
  { standing }: Subject,
  health: ClientHealth,
  later: (reason: Reason) => { report: RotationReport },
): Promise<Readiness | { report: RotationReport }> {
  const { document, provider } = standing;
  try {
    const credentials = await ports.registry.credentials(standing.at.client);
    const usePrevious = health.secret === 'previous' && credentials.previousClientSecret !== undefined;
    const clientSecret = usePrevious ? credentials.previousClientSecret : credentials.clientSecret;
    const request = ports.endpoint.prepare(
      {
        provider,
        environment: document.environment,
        refreshToken: document.refreshToken,
        ...(document.apiAccessPoint === undefined ? {} : { apiAccessPoint: document.apiAccessPoint }),
        ...(document.dataCenter === undefined ? {} : { dataCenter: document.dataCenter }),
      },
      { clientId: credentials.clientId, ...(clientSecret === undefined ? {} : { clientSecret }) },
    );
    const secret = usePrevious ? 'previous' : 'current';
    return { request, secret, clientSecret, lastSuccessAt: health.lastSuccessAt };
  } catch (error) {
    if (hasCode(error, 'client_unavailable')) return later('client_secret_missing');
    if (hasCode(error, 'refused')) return later('host_not_allowed');
    throw error;
  }
}

/** After a start, after a failed write, and the first time a secret is ours to write. Its permit is taken with the others. */
export function needsProof({ ports }: Rotation, { standing }: Subject): boolean {
  return !ports.trust.believed() || standing.document.own.attempt === undefined;
}

/**
 * Writes a version under a label of its own, to this very secret. Only a write proves the right to write and the encryption
 * key.
 */
async function proveWritable(rotation: Rotation, subject: Subject): Promise<Reason | undefined> {
  const { ports, id } = rotation;
  if (!needsProof(rotation, subject)) return undefined;
  try {
    await ports.store.put(ports.nameOf(id), {
      versionId: ports.random.uuid(),
      value: probeValue,
      stages: [stage.probe],
    });
    ports.trust.prove();
    return undefined;
  } catch (error) {
    ports.trust.doubt();
    return reasonOf(error);
  }
}
