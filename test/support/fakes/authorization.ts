/**
 * A provider's side of an authorisation, in memory: people consent at its page, codes are worth one exchange with the
 * verifier that belongs to the challenge. It counts what it is asked, and can be told what to answer.
 */
import { createHash } from 'node:crypto';
import type { Authorization, AuthorizationRequest, CodeAnswer, CodeExchange } from '../../../src/reconsent/ports.ts';
import { Secret } from '../../../src/runtime/secret.ts';

export interface FakeAuthorization extends Authorization {
  readonly asked: AuthorizationRequest[];
  readonly exchanges: CodeExchange[];
  /** Every token and code it ever gave. */
  readonly given: string[];
  /** Somebody signs in at the page and agrees: the address the browser is sent back to. */
  consent(page: URL, account?: string | undefined): URL;
  /** The next exchanges are answered with this instead. */
  answer: CodeAnswer | undefined;
  /** Runs before an exchange is answered. */
  before: () => Promise<void> | void;
  /** Names no consent page. */
  withoutPage: boolean;
  /** What a grant says besides its tokens. */
  more: Partial<Extract<CodeAnswer, { kind: 'granted' }>['grant']>;
}

export function fakeAuthorization(): FakeAuthorization {
  const codes = new Map<string, { readonly challenge: string; readonly account: string | undefined }>();
  let count = 0;
  const fake: FakeAuthorization = {
    asked: [],
    exchanges: [],
    given: [],
    answer: undefined,
    before: () => undefined,
    withoutPage: false,
    more: {},
    consentPage(request) {
      fake.asked.push(request);
      if (fake.withoutPage) return undefined;
      const page = new URL('https://provider.example/consent');
      page.searchParams.set('state', request.state);
      page.searchParams.set('redirect_uri', request.redirectUri);
      page.searchParams.set('code_challenge', request.codeChallenge);
      return page;
    },
    scopeAsked: (_provider, scope) => scope ?? 'signature extended',
    consent(page, account = 'account-1') {
      const code = `PLTOKEN-code-${++count}-4f1d7a20c3b9e586`;
      codes.set(code, { challenge: page.searchParams.get('code_challenge') ?? '', account });
      fake.given.push(code);
      const back = new URL(page.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', code);
      back.searchParams.set('state', page.searchParams.get('state') ?? '');
      return back;
    },
    async exchange(request) {
      fake.exchanges.push(request);
      await fake.before();
      if (fake.answer !== undefined) return fake.answer;
      const code = codes.get(request.code.reveal());
      codes.delete(request.code.reveal());
      const challenge = createHash('sha256').update(request.codeVerifier.reveal()).digest('base64url');
      if (code?.challenge !== challenge) return { kind: 'refused', whose: 'code', error: 'invalid_grant' };
      const number = fake.exchanges.length;
      const refreshToken = `PLTOKEN-new-${number}-9c51d2e84b067f3a`;
      const accessToken = `PLTOKEN-access-${number}-84b067f3a9c51d2e`;
      fake.given.push(refreshToken, accessToken);
      const account = code.account === undefined ? {} : { account: code.account };
      return {
        kind: 'granted',
        grant: {
          refreshToken: new Secret(refreshToken),
          accessToken: new Secret(accessToken),
          tokenType: 'Bearer',
          expiresInMs: 28_800_000,
          ...account,
          ...fake.more,
        },
      };
    },
  };
  return fake;
}
