/** The little of oidc-provider that tests use; the package brings no types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';

  interface SavedGrant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
    destroy(): Promise<void>;
  }

  class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    callback(): RequestListener;
    readonly Client: { find(id: string): Promise<object | undefined> };
    readonly Grant: new (about: {
      accountId: string;
      clientId: string;
    }) => SavedGrant;
    readonly RefreshToken: new (
      about: Record<string, unknown>,
    ) => { save(): Promise<string> };
  }

  export { Provider };
}
