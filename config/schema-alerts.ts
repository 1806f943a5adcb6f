/**
 * The `alerts`, `reconsent` and `web.login` sections: whom on-call hears through, which messages go where, and how a customer comes
 * back. A key, token or webhook address is never in the file: it says which variable or which mounted file holds it.
 */
import { z } from 'zod';
import { cronExpression } from './cron.ts';
import { duration } from './duration.ts';
import { loopbackHttp, path, variable } from './schema-store.ts';

const httpsUrl = z
  .string()
  .refine(
    (text) =>
      loopbackHttp.test(text) ||
      (URL.canParse(text) && /^(?:https:\/\/|http:\/\/(?:127\.|localhost|\[::1\]))[^@\s]+$/.test(text)),
    {
      error: 'must be an https:// URL without credentials; http:// only on loopback',
    },
  );
/** Inside a cluster Alertmanager and mail relays are spoken to in clear. */
const anyHttpUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:\/\/[^@\s]+$/.test(text),
    'must be an http(s) URL without credentials',
  );

/** Where a channel's own secret is: one of the two. */
const held = <K extends string>(name: K) =>
  ({ [`${name}Env`]: variable.optional(), [`${name}File`]: path.optional() }) as Record<
    `${K}Env`,
    z.ZodOptional<typeof variable>
  > &
    Record<`${K}File`, z.ZodOptional<typeof path>>;

const pagerduty = z.strictObject({
  kind: z.literal('pagerduty'),
  ...held('routingKey'),
  /** The Events API of another service region, such as the EU's. */
  url: httpsUrl.optional(),
});
const slack = z.strictObject({
  kind: z.literal('slack'),
  /** An incoming webhook: a second message says that it is over. */
  ...held('webhook'),
  /** Or a bot: the first message is updated in place. */
  ...held('token'),
  /** The bot's channel id, such as C0123456789. */
  channelId: z
    .string()
    .regex(/^[CGD][A-Z0-9]{6,20}$/, 'must be a channel id like C0123456789')
    .optional(),
  url: httpsUrl.optional(),
});
const alertmanager = z.strictObject({
  kind: z.literal('alertmanager'),
  url: anyHttpUrl,
  /** Sent again this often while it is true; Alertmanager forgets what is not repeated. */
  repeatEvery: duration({ min: '10s', max: '1h' }).prefault('1m'),
});
const webhook = z.strictObject({
  kind: z.literal('webhook'),
  url: httpsUrl,
  /** Signing secret, whsec_...; two of them, one per line, while it is rotated: the first signs as well. */
  ...held('secret'),
  format: z.enum(['standard', 'cloudevents']).default('standard'),
});
const email = z.strictObject({
  kind: z.literal('email'),
  from: z.string().min(3).max(320),
  to: z.array(z.string().min(3).max(320)).min(1).max(20),
  smtp: z.strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(587),
    /** TLS from the first byte (465); otherwise STARTTLS where it is offered. */
    secure: z.boolean().default(false),
    user: z.string().optional(),
    ...held('password'),
  }),
});

export const alertChannel = z.discriminatedUnion('kind', [pagerduty, slack, alertmanager, webhook, email]);
export type AlertChannelConfig = z.output<typeof alertChannel>;

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must be lower-case letters, digits, _ and -');

export const alerts = z.strictObject({
  channels: z.record(name, alertChannel).default({}),
  /** Which channel hears of what; without any, every channel hears of everything. Each list given must match. */
  routes: z
    .array(
      z.strictObject({
        channel: name,
        severities: z
          .array(z.enum(['page', 'warn']))
          .min(1)
          .optional(),
        kinds: z.array(z.string()).min(1).optional(),
        providers: z.array(z.string()).min(1).optional(),
        owners: z.array(z.string()).min(1).optional(),
        environments: z.array(z.string()).min(1).optional(),
      }),
    )
    .default([]),
  /** Looked for this often. */
  watch: cronExpression.default('*/15 * * * * *'),
  /** What is gone for less long than this was not gone. */
  flapGuard: duration({ min: '0s', max: '1d' }).prefault('10m'),
  /** A page is told again after this long; warnings come with the daily digest. */
  remindAfter: duration({ min: '1h', max: '7d' }).prefault('24h'),
  /** When everything that warns is told as one message: after midnight, UTC. */
  digestAt: duration({ min: '1m', max: '23h59m' }).prefault('8h'),
  /** Longest one delivery may take. */
  sendLimit: duration({ min: '1s', max: '30s' }).prefault('10s'),
  /** Where the runbook can be read; messages link to an anchor in it. */
  runbookUrl: anyHttpUrl.default('https://pilotlight.invalid/runbook'),
});

export const reconsent = z.strictObject({
  /** Address under which customers reach this service, as registered at the providers: <publicUrl>/oauth/callback/<provider>. Absent: no links. */
  publicUrl: httpsUrl.optional(),
  /** How long a link in an alert is good. */
  linkLife: duration({ min: '1h', max: '30d' }).prefault('7d'),
  /** Key of links and states; shared by all pods. `<dataDir>/reconsent.key` where absent. */
  keyFile: path.optional(),
  /** How long the store is asked to take a new grant while its customer waits. */
  writeLimit: duration({ min: '5s', max: '2m' }).prefault('30s'),
  /** Another account at the provider may take any connection over; otherwise only one tagged pilotlight:allow-account-change=true. */
  allowAccountChange: z.boolean().default(false),
  /** Member of the document that names the provider's account. */
  accountField: z.string().min(1).max(128).default('account_id'),
  /** Whom the customer knows: shown on the pages. */
  name: z.string().min(1).max(80).optional(),
  /** Whom the customer may ask: an address or a sentence. */
  support: z.string().min(1).max(200).optional(),
});

/** The operator's pages on any address but loopback. */
export const login = z.strictObject({
  ...held('token'),
  /** A night on call. */
  session: duration({ min: '5m', max: '30d' }).prefault('12h'),
  /** Signs sessions, shared by all pods; without it a restart ends them. */
  keyFile: path.optional(),
  /** Single sign-on beside the token, which stays for the night the provider is away. */
  oidc: z
    .strictObject({
      /** As its discovery document says it. */
      issuer: httpsUrl,
      clientId: z.string().min(1).max(512),
      ...held('clientSecret'),
      /** Address of these pages as browsers see it; `<url>/login/oidc/callback` is registered at the provider. */
      url: httpsUrl,
      /** The claim that is looked at, and its values that are let in. */
      claim: z.string().min(1).max(128).default('email'),
      allowed: z.array(z.string().min(1).max(320)).min(1),
      /** What the sign-in page calls it. */
      name: z.string().min(1).max(60).default('single sign-on'),
    })
    .optional(),
});
