/**
 * Where connections live and how their documents are laid out: the `store` and `fields` sections, and the small types they
 * share with the rest of the schema.
 */
import { z } from 'zod';
import { duration } from './duration.ts';

/** Loopback: the only place where plain HTTP may carry a token. */
export const loopbackHttp = /^http:\/\/(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(?::\d{1,5})?\/?$/;
export const path = z.string().min(1, 'must not be empty');
export const secretName = z
  .string()
  .regex(/^[A-Za-z0-9/_+=.@:-]{1,512}$/, 'must be the name of a secret in the store: letters, digits and /_+=.@-');
export const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of an environment variable');
const member = z.string().regex(/^[^.]+(?:\.[^.]+){0,4}$/, 'must be a member name, or names joined by dots');

/** How connections are told from other secrets: by one tag (`key=value`) or by the beginning of their name. */
const find = z
  .strictObject({
    tag: z
      .string()
      .regex(/^[^=]{1,128}=.{0,256}$/, 'must be key=value')
      .transform((text) => ({ key: text.slice(0, text.indexOf('=')), value: text.slice(text.indexOf('=') + 1) }))
      .optional(),
    prefix: z
      .string()
      .min(1, 'must not be empty: every secret of the account would be taken for a connection')
      .optional(),
  })
  .refine((value) => (value.tag === undefined) !== (value.prefix === undefined), 'must say either tag or prefix');

const awsStore = z.strictObject({
  /** AWS Region; where absent AWS_REGION, then what the SDK finds. Replicas are read-only: name the primary's Region. */
  region: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z0-9]+)+$/, 'must be a Region like eu-central-1')
    .optional(),
  /** Another endpoint than AWS's own (VPC endpoint, a double). Plain HTTP on loopback only. */
  endpoint: z
    .string()
    .refine((text) => loopbackHttp.test(text) || (URL.canParse(text) && /^https:\/\/[^/?#@]+\/?$/.test(text)), {
      error: 'must be an https:// URL without a path or credentials; http:// only on loopback',
    })
    .optional(),
  /** Writes a second over all workers. AWS allows 50 per account and Region; the rest is left to your applications. */
  writesPerSecond: z.number().min(1).max(50).default(40),
  /** Longest one call to AWS may take. Shorter gives up on slow answers that would have come. */
  requestLimit: duration({ min: '1s', max: '1m' }).prefault('10s'),
  /** Longest connecting to AWS may take. */
  connectLimit: duration({ min: '100ms', max: '30s' }).prefault('3s'),
});

const fileStore = z.strictObject({
  /** Where the encrypted secrets are; `<dataDir>/store` where absent. */
  directory: path.optional(),
  /** 0600 file with the key, made at first start; `<dataDir>/store.key` where absent. Back it up: without it the store is lost. */
  keyFile: path.optional(),
  /** Environment variable that may hold the key (32 bytes, base64) instead of the file. */
  keyEnv: variable.default('PILOTLIGHT_STORE_KEY'),
});

export const store = z.strictObject({
  /** `aws` (Secrets Manager) or `file` (encrypted files on this disk). Absent: `file`, but inside Kubernetes an error. */
  kind: z.enum(['aws', 'file']).optional(),
  find: find.prefault({ tag: 'pilotlight:managed=true' }),
  /** Beginning of a secret's name that is left out of the connection's id; `find.prefix` where absent, else nothing. */
  namePrefix: z.string().max(512).optional(),
  aws: awsStore.prefault({}),
  file: fileStore.prefault({}),
});

/** Members of a connection's document, for secrets an application laid out its own way. Dots reach into nested objects. */
export const fields = z.strictObject({
  provider: member.default('provider'),
  environment: member.default('environment'),
  client: member.default('client'),
  refreshToken: member.default('refresh_token'),
  accessToken: member.default('access_token'),
  tokenType: member.default('token_type'),
  expiresAt: member.default('expires_at'),
  scope: member.default('scope'),
  consentedAt: member.default('consented_at'),
  refreshedAt: member.default('refreshed_at'),
  apiAccessPoint: member.default('api_access_point'),
  dataCenter: member.default('data_center'),
  grantType: member.default('grant_type'),
  /** Our own section: fingerprints and instants, never a token. */
  own: member.default('pilotlight'),
});
