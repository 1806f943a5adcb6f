/** What of a provider's words may be shown. */
import { describe, expect, test } from 'vitest';
import { rawAnswer, read, sentToken } from '../support/provider-files.ts';

describe('what a provider says of an error', () => {
  const describing = (text: string) => {
    const answer = read(rawAnswer(400, { error: 'invalid_grant', error_description: text }));
    return answer.description;
  };

  test.each([
    ['the token itself', `token ${sentToken} is dead`],
    ['a piece of the token', `token ...${sentToken.slice(5, 20)}... is dead`],
    ['the token in base64', `token ${Buffer.from(sentToken).toString('base64')} is dead`],
    ['the token without spaces around', `refresh_token=${sentToken}&x`],
    ['somebody else’s token', 'token eyJ0eXAiOiJNVCIsImFsZyI6IlJTMjU2 is dead'],
    ['an address', 'the user jane.doe@example.com is gone'],
  ])('is shown without %s', (_what, text) => {
    const shown = describing(text);
    expect(shown).toContain('[redacted]');
    expect(shown).not.toMatch(/7f3a|eyJ0|example\.com|UExUT0/);
  });

  test('is shown as one line of 200 characters without control characters', () => {
    const shown = describing(`a\r\nlevel=error\u001b[31m\u2028b ${'word '.repeat(500)}`);
    expect(shown).toMatch(/^a level=error \[31m b word/);
    expect(String(shown).length).toBeLessThanOrEqual(200);
    expect(shown).not.toMatch(/\p{C}/u);
  });

  test('is shown whole where it is harmless', () => {
    expect(describing('The refresh token is invalid or has expired (AADSTS70008).')).toBe(
      'The refresh token is invalid or has expired (AADSTS70008).',
    );
  });

  test('does not reach the error code', () => {
    expect(read(rawAnswer(400, { error: `bad_${sentToken}` }))).not.toHaveProperty('error');
    expect(read(rawAnswer(400, { error: 'a b\nc' }))).toMatchObject({ error: 'a_b_c' });
  });
});
