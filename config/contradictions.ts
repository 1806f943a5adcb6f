/**
 * Rules between settings, each with the sections it looks at: where one of them is malformed the rule is left out and all
 * others still run, so that one start shows every problem.
 */
import { clientFindings, clientsAmongConnections } from './client-rules.ts';
import { longestGapMs } from './cron.ts';
import { formatDuration } from './duration.ts';
import { fieldFindings } from './field-rules.ts';
import type { Finding } from './problem.ts';
import { redisFindings } from './redis-rules.ts';
import type { ParsedConfig } from './schema.ts';

export interface Surroundings {
  readonly inKubernetes: boolean;
  /** Names of all providers, also of those whose file is broken. */
  readonly providerNames: readonly string[];
  /** Providers that need no client secret. */
  readonly publicProviders: readonly string[];
  /** Whether an environment variable is set. */
  isSet(variable: string): boolean;
  /** The Redis URL stands in the file, not in the environment. */
  readonly redisUrlInFile: boolean;
}

type Rule = {
  readonly needs: readonly (keyof ParsedConfig)[];
  find(config: ParsedConfig, around: Surroundings): Finding[];
};

/** A lease must outlive the longest rotation by this much, ms: reads, permits and the swap around the two limits. */
const leaseMarginMs = 10_000;
/** Seldomer ticks than these make a promise of ours untrue: retries and probes are minutes apart. */
const gapMsMax = { sweep: 15 * 60_000, inventory: 86_400_000 } as const;

const rules: readonly Rule[] = [
  { needs: ['rotation'], find: ({ rotation }) => limits(rotation) },
  { needs: ['rotation', 'store'], find: ({ rotation, store }) => storeInTime(rotation, store) },
  { needs: ['thresholds'], find: ({ thresholds }) => warnBeforePage(thresholds) },
  { needs: ['schedule'], find: ({ schedule }) => gaps(schedule) },
  { needs: ['schedule', 'rotation'], find: ({ schedule, rotation }) => recoverInTime(schedule, rotation) },
  { needs: ['fields'], find: ({ fields }) => fieldFindings(fields) },
  { needs: ['store'], find: ({ store }, around) => storeFindings(store, around) },
  {
    needs: ['clients'],
    find: ({ clients }, around) =>
      Object.entries(clients).flatMap(([name, source]) => clientFindings(name, source, around)),
  },
  { needs: ['clients', 'store'], find: clientsAmongConnections },
  { needs: ['redis'], find: ({ redis }, around) => redisFindings(redis, around) },
  { needs: ['spool'], find: ({ spool }, around) => sharedKeys(spool, around) },
  {
    needs: ['sandbox'],
    find: ({ sandbox }, { inKubernetes }) => (sandbox !== undefined && inKubernetes ? [noSandbox] : []),
  },
];

/** Every contradiction among the sections that could be read. */
export function contradictions(config: ParsedConfig, unread: ReadonlySet<string>, around: Surroundings): Finding[] {
  return rules.filter(({ needs }) => !needs.some((key) => unread.has(key))).flatMap(({ find }) => find(config, around));
}

function limits(rotation: ParsedConfig['rotation']): Finding[] {
  const { requestLimit, connectLimit, writeLimit, lease, coolDown, drainLimit, retry, queueDepth, concurrency } =
    rotation;
  const findings: Finding[] = [];
  const check = (key: string, holds: boolean, message: string) => {
    if (!holds) findings.push({ path: ['rotation', ...key.split('.')], message });
  };
  const longest = requestLimit + writeLimit;
  check(
    'lease',
    lease >= longest + leaseMarginMs,
    `must be at least ${formatDuration(longest + leaseMarginMs)} (requestLimit + writeLimit + ${formatDuration(leaseMarginMs)}), or a second worker could spend the same token`,
  );
  check(
    'drainLimit',
    drainLimit >= longest,
    `must be at least ${formatDuration(longest)} (requestLimit + writeLimit), or stopping could cut off a rotation`,
  );
  check(
    'coolDown',
    coolDown >= requestLimit,
    `must be at least requestLimit (${formatDuration(requestLimit)}), while the first request may still be running`,
  );
  check(
    'connectLimit',
    connectLimit < requestLimit,
    `must be shorter than requestLimit (${formatDuration(requestLimit)})`,
  );
  check('retry.first', retry.first <= retry.max, `must not be longer than retry.max (${formatDuration(retry.max)})`);
  check(
    'queueDepth',
    queueDepth >= concurrency,
    `must be at least concurrency (${concurrency}), or workers would idle`,
  );
  return findings;
}

function storeInTime({ writeLimit }: ParsedConfig['rotation'], { aws }: ParsedConfig['store']): Finding[] {
  if (2 * aws.requestLimit <= writeLimit) return [];
  const message = `must be at most half of rotation.writeLimit (${formatDuration(writeLimit)}), so that a slow write can be tried again`;
  return [{ path: ['store', 'aws', 'requestLimit'], message }];
}

function warnBeforePage({ warn, page }: ParsedConfig['thresholds']): Finding[] {
  const message = 'must be above that of page, or nobody is warned before the page';
  const findings: Finding[] = [];
  if (warn.left <= page.left) findings.push({ path: ['thresholds', 'warn', 'left'], message });
  if (warn.share <= page.share) findings.push({ path: ['thresholds', 'warn', 'share'], message });
  return findings;
}

function gaps(schedule: ParsedConfig['schedule']): Finding[] {
  return (['sweep', 'inventory'] as const).flatMap((job) => tickFindings(job, schedule[job], gapMsMax[job]));
}

/** A Redis that was lost gives no lease for the length of one: by then open records must be in its mirror again. */
function recoverInTime({ recover }: ParsedConfig['schedule'], { lease }: ParsedConfig['rotation']): Finding[] {
  return tickFindings('recover', recover, lease, ' (rotation.lease)');
}

function tickFindings(job: string, cron: string, gapMaxMs: number, because = ''): Finding[] {
  const gapMs = longestGapMs(cron);
  if (gapMs <= gapMaxMs) return [];
  const waits = gapMs === Number.POSITIVE_INFINITY ? 'leaves days out' : `can wait ${formatDuration(gapMs)}`;
  const message = `${waits}; it must tick at least every ${formatDuration(gapMaxMs)}${because}`;
  return [{ path: ['schedule', job], message }];
}

function storeFindings({ kind, find, namePrefix }: ParsedConfig['store'], { inKubernetes }: Surroundings): Finding[] {
  const findings: Finding[] = [];
  if (kind === undefined && inKubernetes) {
    findings.push({
      path: ['store'],
      message: 'must be named inside Kubernetes: a file store chosen by default would vanish with the pod',
      fix: 'set store: aws, or store: file with a persistent volume',
    });
  }
  if (namePrefix !== undefined && find.prefix !== undefined && !find.prefix.startsWith(namePrefix)) {
    findings.push({
      path: ['store', 'namePrefix'],
      message: 'begins no name that find.prefix finds',
      fix: 'leave it out, or shorten it to a beginning of find.prefix',
    });
  }
  return findings;
}

/** Made by each pod for itself, these keys would lock pods out of each other's records and fingerprints. */
function sharedKeys({ keys, fingerprintKeyFile }: ParsedConfig['spool'], { inKubernetes }: Surroundings): Finding[] {
  if (!inKubernetes) return [];
  const message = 'must be named inside Kubernetes: all pods need the same keys, and a pod must not make its own';
  const fix = 'mount a Secret and give its path';
  return [
    ...(keys.directory === undefined ? [{ path: ['spool', 'keys', 'directory'], message, fix }] : []),
    ...(fingerprintKeyFile === undefined ? [{ path: ['spool', 'fingerprintKeyFile'], message, fix }] : []),
  ];
}

const noSandbox: Finding = {
  path: ['sandbox'],
  message: 'is refused inside Kubernetes: no token request would reach a provider',
  fix: 'remove it',
};
