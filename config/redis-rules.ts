/** Rules between the settings of the `redis` section: one way to reach it, one place for its password, TLS or none. */
import type { Surroundings } from './contradictions.ts';
import type { Finding } from './problem.ts';
import type { ParsedConfig } from './schema.ts';

type Redis = ParsedConfig['redis'];

const at = (...path: string[]) => ['redis', ...path];

/** What contradicts itself in how Redis is reached. Never quotes a URL, which may hold a password. */
export function redisFindings(redis: Redis, around: Surroundings): Finding[] {
  return [...placeFindings(redis, around), ...loginFindings(redis, around), ...tlsFindings(redis)];
}

function placeFindings(redis: Redis, { inKubernetes, redisUrlInFile }: Surroundings): Finding[] {
  const { url, cluster, sentinel, database } = redis;
  const [first, ...others] = [
    ...(url === undefined ? [] : [redisUrlInFile ? 'redis.url' : 'REDIS_URL']),
    ...(cluster === undefined ? [] : ['redis.cluster']),
    ...(sentinel === undefined ? [] : ['redis.sentinel']),
  ];
  if (first === undefined) {
    const message = 'is missing inside Kubernetes: pods with a Redis of their own could spend the same token';
    return inKubernetes ? [{ path: at('url'), message, fix: 'set REDIS_URL' }] : [];
  }
  const findings = others.map((other): Finding => {
    const message = `cannot stand beside ${first}: Redis is reached in one way`;
    return {
      path: other.split('.'),
      message,
      fix: `remove it, or ${first === 'REDIS_URL' ? 'unset' : 'remove'} ${first}`,
    };
  });
  if (database !== undefined && sentinel === undefined) {
    const where =
      cluster === undefined ? 'a URL has it in its path, like redis://host:6379/2' : 'a Cluster has but one';
    findings.push({ path: at('database'), message: `is for redis.sentinel only: ${where}` });
  }
  return findings;
}

function loginFindings(redis: Redis, { redisUrlInFile }: Surroundings): Finding[] {
  const { url, sentinel, username, passwordFile } = redis;
  const named = url === undefined ? undefined : new URL(url);
  const hasPassword = named !== undefined && named.password !== '';
  const findings: Finding[] = [];
  if (redisUrlInFile && hasPassword) {
    findings.push({
      path: at('url'),
      message: 'holds a password, which is refused in a file',
      fix: 'take it out, change the password if the file was shared, and set REDIS_URL instead',
    });
  }
  if (hasPassword && passwordFile !== undefined)
    findings.push({ path: at('passwordFile'), message: 'cannot stand beside a URL that holds a password' });
  if (username !== undefined && named !== undefined && named.username !== '')
    findings.push({ path: at('username'), message: 'cannot stand beside a URL that names a user' });
  if (username !== undefined && passwordFile === undefined && !hasPassword)
    findings.push({ path: at('username'), message: 'needs redis.passwordFile' });
  if (sentinel?.username !== undefined && sentinel.passwordFile === undefined)
    findings.push({ path: at('sentinel', 'username'), message: 'needs redis.sentinel.passwordFile' });
  return findings;
}

function tlsFindings({ url, sentinel, tls }: Redis): Finding[] {
  const findings: Finding[] = [];
  const wanted = tls !== undefined && tls.enabled !== false;
  if (wanted && url?.startsWith('redis:') === true)
    findings.push({ path: at('tls'), message: 'needs a rediss:// URL, or nothing is encrypted' });
  if (tls?.enabled === false && url?.startsWith('rediss:') === true)
    findings.push({ path: at('tls', 'enabled'), message: 'is false, but the URL is a rediss:// one' });
  if (wanted && (tls.certFile === undefined) !== (tls.keyFile === undefined))
    findings.push({ path: at('tls'), message: 'must give certFile and keyFile together' });
  if (sentinel?.tls === true && !wanted)
    findings.push({
      path: at('sentinel', 'tls'),
      message: 'needs redis.tls: what the Sentinels protect would go unprotected to Redis itself',
      fix: 'add redis.tls with enabled: true',
    });
  return findings;
}
