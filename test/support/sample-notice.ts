/** A notice like the ones channels are given, with what a test wants different. */
import type { Message, Notice } from '../../src/alerts/notice.ts';

export function sampleNotice(change: Partial<Omit<Notice, 'message'>> & { message?: Partial<Message> } = {}): Notice {
  const { message, ...rest } = change;
  return {
    id: 'notice-1',
    key: 'pilotlight:production:connection:acme/esign:reauth_required',
    event: 'opened',
    severity: 'page',
    openedAt: Date.parse('2026-11-20T08:00:00Z'),
    at: Date.parse('2026-11-20T08:00:00Z'),
    ...rest,
    message: {
      kind: 'reauth_required',
      title: 'Connection needs a new consent: acme/esign (DocuSign, production)',
      environment: 'production',
      provider: 'docusign',
      client: 'docusign-main',
      connection: 'acme/esign',
      owner: 'Acme Ltd',
      actor: 'customer',
      action: 'The customer authorises again with the link; the same connection then lives on.',
      ends: 'Ends when the new grant is stored.',
      facts: [
        { label: 'Deadline', value: '2026-11-23 08:00 UTC, in 3 days (idle)' },
        { label: 'Why', value: 'invalid_grant: the token was revoked' },
      ],
      links: [
        { label: 'Ask for a new consent', url: 'https://pilotlight.example.com/reconsent/abc?a=1&b=2' },
        { label: 'Runbook', url: 'https://runbooks.example.com/reauth_required' },
      ],
      command: 'pilotlight show acme/esign',
      ...message,
    },
  };
}

/** Texts that other people may have written into names and errors, each meant to do more than be read. */
export const hostileTexts = [
  '<!channel> <!here> <!everyone|all>',
  '<@U012AB3CD> <#C012AB3CD> <!subteam^S012AB3CD>',
  '<https://evil.example.com|Sign in>',
  '</td><script>alert(1)</script><img src="https://evil.example.com/x.png">',
  `' onmouseover="alert(1)" &lt;b&gt; &amp;`,
  'line\r\nBcc: eve@evil.example.com\r\n\r\nbody\u2028\u0000',
  'acme\u202Egnp.exe\u200B\uD800',
] as const;
