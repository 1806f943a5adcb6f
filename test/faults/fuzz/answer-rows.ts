/**
 * Answers of token endpoints to begin from: what the providers send, and the catalogue of what else has been seen, row by row
 * (its numbers). `FRESH`, `OTHER`, `SENT`, `ACCESS` and `SECRET` stand for canaries.
 */

export interface AnswerRow {
  /** The catalogue's number, or the provider whose own answer it is. */
  readonly row: number | string;
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection ended before the body did. */
  readonly cut?: true;
}

const good = '{"access_token":"ACCESS","token_type":"Bearer","refresh_token":"FRESH","expires_in":28800}';
const html = { 'content-type': 'text/html; charset=utf-8' };
const ok = (row: number | string, body: string, headers?: Readonly<Record<string, string>>): AnswerRow => ({
  row,
  status: 200,
  body,
  ...(headers === undefined ? {} : { headers }),
});
const no = (
  row: number | string,
  status: number,
  body: string,
  headers?: Readonly<Record<string, string>>,
): AnswerRow => ({
  row,
  status,
  body,
  ...(headers === undefined ? {} : { headers }),
});
/** The good answer with one member said otherwise. */
const but = (row: number, member: string, value: string) =>
  ok(
    row,
    good.replace(new RegExp(`("${member}":)("[^"]*"|\\d+)`), (_, name: string) => name + value),
  );

const ofProviders: readonly AnswerRow[] = [
  ok(
    'docusign',
    '{"access_token":"ACCESS","token_type":"Bearer","refresh_token":"FRESH","expires_in":28800,"scope":"signature"}',
  ),
  no('docusign', 400, '{"error":"invalid_grant","error_description":"expired_client_token"}'),
  no('docusign', 400, '{"error":"invalid_grant","error_description":"unauthorized_client"}'),
  no('docusign', 400, '{"error":"invalid_grant"}'),
  no('docusign', 400, '{"error":"internal_server_error","reference_id":"6f1c2d9e-33aa-4d6a-9e55-0d6b7c1f2a10"}'),
  no(
    'docusign',
    429,
    '{"errorCode":"HOURLY_APIINVOCATION_LIMIT_EXCEEDED","message":"The maximum number of hourly API invocations has been exceeded. The hourly limit is 3000."}',
    { 'x-ratelimit-remaining': '0' },
  ),
  ok('adobe', '{"access_token":"ACCESS","token_type":"Bearer","expires_in":3600}'),
  ok(
    'adobe',
    '{"access_token":"ACCESS","refresh_token ":"FRESH","api_access_point":"https://api.eu1.adobesign.com/","web_access_point":"https://secure.eu1.adobesign.com/","token_type":"Bearer","expires_in":3600}',
  ),
  no(
    'adobe',
    400,
    '{"code":"INVALID_API_ACCESS_POINT","message":"Request must be made to correct API access point (e.g. use GET /baseUris)."}',
  ),
  no('adobe', 401, '{"code":"EXPIRED_TOKEN","message":"The refresh token SENT has expired."}'),
  no(
    'adobe',
    429,
    '{"code":"THROTTLING_TOO_MANY_REQUESTS","message":"Too many requests have been made (apiActionId=oauthRefresh).","retryAfter":30}',
    { 'retry-after': '30' },
  ),
  ok(
    'gov',
    '{\n  "access_token" : "ACCESS",\n  "refresh_token" : "FRESH",\n  "token_type" : "Bearer",\n  "expires_in" : 300\n}\n',
  ),
  no('gov', 500, '{"error":"internal_server_error","message":"Some miscellaneous error has occurred."}'),
  ok(
    'esignglobal',
    '{"code":0,"message":"success","data":{"access_token":"ACCESS","refresh_token":"FRESH","token_type":"bearer","expires_in":86398,"scope":"read-write"}}',
  ),
  ok(
    'esignglobal',
    '{"access_token":"ACCESS","refresh_token":"FRESH","expires_in":86398,"scope":"read-write","token_type":"bearer"}',
  ),
  ok('esignglobal', '{"code":1400001,"message":"refresh_token is required","data":null}'),
  no(
    'esignglobal',
    400,
    '{"error":"invalid_grant","error_description":"The refresh token is invalid or has expired."}',
  ),
  ok(
    'oauth2',
    '{"access_token":"ACCESS","id_token":"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln","refresh_token":"FRESH","refresh_token_expires_in":2592000,"token_type":"Bearer","expires_in":3600}',
  ),
];

const ofCatalogue: readonly AnswerRow[] = [
  ok(1, good),
  ok(2, '{"access_token":"ACCESS","token_type":"Bearer","expires_in":3600}'),
  but(3, 'refresh_token', 'null'),
  but(4, 'refresh_token', '""'),
  but(5, 'refresh_token', '"SENT"'),
  but(6, 'refresh_token', '" FRESH\\n"'),
  but(7, 'refresh_token', '12345678901234567890'),
  but(7, 'refresh_token', '1.2345678901234567e+29'),
  but(8, 'refresh_token', '{"value":"FRESH"}'),
  but(8, 'refresh_token', '["FRESH"]'),
  but(8, 'refresh_token', 'true'),
  but(9, 'refresh_token', `"FRESH${'x'.repeat(8_200)}"`),
  but(9, 'access_token', `"ACCESS${'x'.repeat(50_000)}"`),
  but(10, 'refresh_token', '"FRESH\\u0000"'),
  but(10, 'refresh_token', '"FRESH\\ud800"'),
  but(10, 'refresh_token', '"FRESH\u00fc"'),
  ok(13, '{"refresh_token":"FRESH","token_type":"Bearer"}'),
  but(14, 'token_type', '"mac"'),
  but(15, 'expires_in', '"3600"'),
  but(16, 'expires_in', '-1'),
  but(16, 'expires_in', '0'),
  but(17, 'expires_in', '1e999'),
  but(17, 'expires_in', '"1596346168704"'),
  but(18, 'expires_in', 'NaN'),
  ok(19, good.replace('}', ',"scope":"signature"}')),
  ok(20, good.replace('}', ',"api_access_point":"https://api.na2.adobesign.com/"}')),
  ok(21, good.replace('}', ',"api_access_point":"http://169.254.169.254/"}')),
  ok(22, '{"error":"invalid_grant","error_description":"Token was SENT"}'),
  ok(23, '{"code":72000009,"message":"SENT is not valid","data":null}'),
  ok(24, `{"code":0,"message":"","data":${good}}`),
  ok(24, `{"status":"active","data":${good}}`),
  ok(24, `{"access_token":"ACCESS","result":{"refresh_token":"FRESH"}}`),
  ok(25, '<!DOCTYPE html><html><head><title>Sign in</title></head><body>session expired</body></html>', html),
  ok(25, `<html><script>window.answer = ${good}</script></html>`, html),
  ok(26, ''),
  no(26, 204, ''),
  ok(27, good.replace('}', ',}')),
  ok(27, `// answer\n${good}`),
  { row: 28, status: 200, body: good.slice(0, -12), cut: true },
  { row: 28, status: 200, body: good.slice(0, 60), cut: true },
  { row: 29, status: 200, body: `${good.slice(0, -1)},"scope":"sig`, cut: true },
  ok(30, `${good}{"ok":true}`),
  ok(30, good + good.replace('FRESH', 'OTHER')),
  ok(31, good.replace('}', ',"refresh_token":"OTHER"}')),
  ok(31, good.replace('}', ',"refresh_token":"FRESH"}')),
  ok(32, good.replace('{', '{"__proto__":{"refresh_token":"OTHER"},"constructor":{"prototype":{"a":1}},')),
  ok(33, `\ufeff${good}`),
  ok(35, good, { 'content-type': 'text/html' }),
  ok(35, good, { 'content-type': '' }),
  ok(36, 'access_token=ACCESS&token_type=bearer&refresh_token=FRESH&expires_in=3600', {
    'content-type': 'application/x-www-form-urlencoded',
  }),
  ok(37, 'eyJhbGciOiJub25lIn0.eyJyZWZyZXNoX3Rva2VuIjoiRlJFU0gifQ.'),
  ok(37, '<?xml version="1.0"?><token><refresh_token>FRESH</refresh_token></token>', {
    'content-type': 'application/xml',
  }),
  ok(38, `${good.slice(0, -1)},"padding":"${'x'.repeat(70_000)}"}`),
  ok(40, `${good.slice(0, -1)},"deep":${'['.repeat(3_000)}${']'.repeat(3_000)}}`),
  no(43, 302, '', { location: 'https://elsewhere.example/?refresh_token=SENT' }),
  no(43, 307, good),
  no(
    44,
    400,
    '{"error":"invalid_grant","error_description":"Unknown, invalid, or expired refresh token SENT for client SECRET"}',
  ),
  no(45, 400, '{"error":"invalid_grant","error_description":"expired_client_token"}'),
  no(46, 400, '{"error":"invalid_request"}'),
  no(46, 400, '{"error":"unsupported_grant_type"}'),
  no(47, 400, '{"error":"invalid_scope","error_description":"scope SENT"}'),
  no(48, 400, '{"code":"INVALID_TOKEN","message":"SENT"}'),
  no(49, 400, '<html><body>Blocked. Your request: refresh_token=SENT&client_secret=SECRET</body></html>', html),
  no(49, 400, ''),
  no(50, 401, '{"error":"invalid_client","error_description":"client_secret SECRET is wrong"}', {
    'www-authenticate': 'Basic realm="x"',
  }),
  no(51, 401, '{"error":"invalid_token"}'),
  no(52, 403, '<html><h1>403 Forbidden</h1></html>', html),
  no(53, 404, '{"error":"not_found"}'),
  no(53, 405, ''),
  no(54, 408, ''),
  no(54, 425, ''),
  no(55, 409, '{"error":"conflict"}'),
  no(55, 423, ''),
  no(56, 429, ''),
  no(57, 429, '{"error":"slow_down"}', { 'retry-after': '120' }),
  no(57, 429, '', { 'retry-after': 'Fri, 20 Nov 2026 08:05:00 GMT' }),
  no(58, 429, '', { 'retry-after': '-5' }),
  no(58, 503, '', { 'retry-after': '999999999999' }),
  no(58, 429, '', { 'retry-after': '120, 120' }),
  no(59, 500, '{"error":"server_error"}'),
  no(59, 500, good),
  no(60, 502, '<html><center>502 Bad Gateway</center></html>', html),
  no(60, 504, ''),
  no(61, 503, '<html>down for maintenance</html>', { ...html, 'retry-after': '3600' }),
  ok(67, good, { date: 'Fri, 20 Nov 2026 09:30:00 GMT' }),
  no(0, 400, '{"error":{"code":"invalid_grant","message":"SENT"},"request_id":"SENT"}', { 'x-request-id': 'SENT' }),
  no(0, 500, 'access_token=ACCESS&refresh_token=FRESH&expires_in=3600'),
];

export const answerRows: readonly AnswerRow[] = [...ofProviders, ...ofCatalogue];
