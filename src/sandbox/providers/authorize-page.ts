/** The consent page as HTML: who is asking, for what, and as whom to answer. A form, so that it works in any browser. */
import type { Reply } from './call.ts';

export interface ConsentPage {
  readonly title: string;
  readonly clientId: string;
  readonly scope: string;
  /** Who may be signed in; the first is unless another is chosen. */
  readonly customers: readonly { readonly connection: string; readonly account: string }[];
}

/** Posts to its own address, which carries the request. */
export function consentHtml({ title, clientId, scope, customers }: ConsentPage): Reply {
  const words = scope.split(' ').filter((word) => word !== '');
  const choices = customers.map(
    ({ connection, account }, index) =>
      `<label><input type="radio" name="as" value="${escaped(connection)}"${index === 0 ? ' checked' : ''}> ${escaped(account)} (${escaped(connection)})</label><br>`,
  );
  return html(200, title, [
    `<h1>${escaped(title)} (sandbox)</h1>`,
    `<p>The application <strong>${escaped(clientId)}</strong> asks for access:</p>`,
    `<ul>${words.map((word) => `<li>${escaped(word)}</li>`).join('')}</ul>`,
    '<form method="post">',
    `<fieldset><legend>Signed in as</legend>${choices.join('')}</fieldset>`,
    '<button type="submit" name="decision" value="allow">Allow</button>',
    '<button type="submit" name="decision" value="deny">Deny</button>',
    '</form>',
  ]);
}

/** Where the page cannot send the browser back (RFC 6749, 4.1.2.1): no such client, or an address it did not register. */
export function refusedHtml(title: string, why: string): Reply {
  return html(400, title, [`<h1>${escaped(title)} (sandbox)</h1>`, `<p role="alert">${escaped(why)}</p>`]);
}

function html(status: number, title: string, body: readonly string[]): Reply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
      // The address holds the state.
      'referrer-policy': 'no-referrer',
    },
    body: `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>\n<body>\n${body.join('\n')}\n</body></html>\n`,
  };
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
