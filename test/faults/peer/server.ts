/**
 * A provider written by others, with rotation and reuse detection on, and what it knows: which of its tokens are live, which
 * grants it ended, and how often each token was shown to it. It keeps everything, so that nothing dies of its forgetfulness.
 */
import { startOidcServer } from '../../support/oidc-server.ts';

export const peerClient = { clientId: 'pilot', clientSecret: 'PLTOKEN-peer-client-secret-of-forty-bytes' };
export const peerScope = 'openid offline_access';

export interface PeerServer {
  readonly tokenUrl: string;
  /** What the authorization-code flow would have left behind. */
  consent(): Promise<Consented>;
  /** The server would take this very token now. */
  isLive(refreshToken: string): boolean;
  /** It ended the grant: somebody showed a token that was spent. */
  wasRevoked(grantId: string): boolean;
  /** How often a token was shown. */
  shown(refreshToken: string): number;
  stop(): Promise<void>;
}

export interface Consented {
  readonly grantId: string;
  readonly refreshToken: string;
}

type Payload = Record<string, unknown> & { grantId?: string; consumed?: number };

/** What oidc-provider asks of a store, for all kinds in one. */
function createKeep() {
  const kept = new Map<string, Payload>();
  const revoked = new Set<string>();
  const keyOf = (kind: string, id: string) => `${kind}:${id}`;
  const adapter = (kind: string) => ({
    upsert: async (id: string, payload: Payload) => void kept.set(keyOf(kind, id), payload),
    find: async (id: string) => kept.get(keyOf(kind, id)),
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    destroy: async (id: string) => {
      if (kind === 'Grant') revoked.add(id);
      kept.delete(keyOf(kind, id));
    },
    async consume(id: string) {
      const payload = kept.get(keyOf(kind, id));
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
    },
    async revokeByGrantId(grantId: string) {
      revoked.add(grantId);
      for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
    },
  });
  return { adapter, revoked, refreshToken: (value: string) => kept.get(keyOf('RefreshToken', value)) };
}

export async function startPeer(): Promise<PeerServer> {
  const keep = createKeep();
  const shown = new Map<string, number>();
  const server = await startOidcServer({
    clients: [
      {
        client_id: peerClient.clientId,
        client_secret: peerClient.clientSecret,
        redirect_uris: ['https://app.example/back'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    features: { devInteractions: { enabled: false } },
    adapter: keep.adapter,
    watch(request) {
      const body: Buffer[] = [];
      request.on('data', (part: Buffer) => body.push(part));
      request.on('end', () => {
        const token = new URLSearchParams(Buffer.concat(body).toString()).get('refresh_token') ?? '';
        shown.set(token, (shown.get(token) ?? 0) + 1);
      });
    },
  });
  const client = await server.issuer.Client.find(peerClient.clientId);
  if (client === undefined) throw new Error('the peer does not know its client');
  let customers = 0;
  return {
    tokenUrl: `${server.base}/token`,
    async consent() {
      const accountId = `customer-${++customers}`;
      const grant = new server.issuer.Grant({ accountId, clientId: peerClient.clientId });
      grant.addOIDCScope(peerScope);
      const grantId = await grant.save();
      const about = { accountId, authTime: 1, client, grantId, gty: 'authorization_code', scope: peerScope };
      return { grantId, refreshToken: await new server.issuer.RefreshToken(about).save() };
    },
    isLive(refreshToken) {
      const payload = keep.refreshToken(refreshToken);
      return payload !== undefined && payload.consumed === undefined && !keep.revoked.has(payload.grantId ?? '');
    },
    wasRevoked: (grantId) => keep.revoked.has(grantId),
    shown: (refreshToken) => shown.get(refreshToken) ?? 0,
    stop: () => server.stop(),
  };
}
