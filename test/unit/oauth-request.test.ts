/** Requests as they go out: authentication, bodies, and what is refused before anything is sent. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { encodeBody } from '../../src/oauth/form.ts';
import { refreshRequest } from '../../src/oauth/request.ts';
import type { PreparedRequest } from '../../src/rotation/ports.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { type ProviderName, providerFile } from '../support/provider-files.ts';

const settings = { random: seededRandom(1), userAgent: 'Pilotlight/test' };
const token = 'to/ken+with=odd&characters*';

function prepare(
  name: ProviderName,
  changes: Record<string, unknown> = {},
  client: { clientId?: string; clientSecret?: string } = {},
) {
  const { clientId = 'id-1', clientSecret = 'se:cret ü' } = client;
  const facts = { apiAccessPoint: 'https://api.na1.adobesign.com/', dataCenter: 'as1' };
  const subject = {
    provider: providerFile(name, changes),
    environment: 'production',
    refreshToken: new Secret(token),
    ...facts,
  };
  return refreshRequest(subject, { clientId, clientSecret: new Secret(clientSecret) }, settings);
}

function header(request: PreparedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return value instanceof Secret ? value.reveal() : value;
}

describe('a refresh request', () => {
  test('authenticates with a Basic header and sends a form without scope, as DocuSign wants it', () => {
    const request = prepare('docusign');
    expect(request.host).toBe('account.docusign.com');
    expect(request.url.reveal()).toBe('https://account.docusign.com/oauth/token');
    expect(header(request, 'authorization')).toBe(`Basic ${Buffer.from('id-1:se:cret ü').toString('base64')}`);
    expect(header(request, 'content-type')).toBe('application/x-www-form-urlencoded');
    expect(header(request, 'accept')).toBe('application/json');
    expect(header(request, 'accept-encoding')).toBe('identity');
    expect(header(request, 'user-agent')).toBe('Pilotlight/test');
    expect([...new URLSearchParams(request.body.reveal())]).toEqual([
      ['grant_type', 'refresh_token'],
      ['refresh_token', token],
    ]);
  });

  test('percent-encodes id and secret where the provider file says so', () => {
    const request = prepare(
      'oauth2',
      { request: { clientAuth: 'basic', encodeBasic: true, body: 'form' } },
      { clientId: 'a:b' },
    );
    expect(header(request, 'authorization')).toBe(`Basic ${Buffer.from('a%3Ab:se%3Acret+%C3%BC').toString('base64')}`);
  });

  test('sends credentials in the body to the shard, as Adobe wants it', () => {
    const request = prepare('adobe-acrobat-sign');
    expect(request.url.reveal()).toBe('https://api.na1.adobesign.com/oauth/v2/refresh');
    expect(header(request, 'authorization')).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(request.body.reveal()))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: token,
      client_id: 'id-1',
      client_secret: 'se:cret ü',
    });
  });

  test('names each request to Adobe Government anew', () => {
    const ids = [1, 2].map(() => header(prepare('adobe-acrobat-sign-gov'), 'x-request-id'));
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });

  test('sends multipart to the data centre, as eSignGlobal wants it', () => {
    const request = prepare('esignglobal');
    expect(request.url.reveal()).toBe('https://openapi-as1.esignglobal.com/esignglobal/v1/oauth2/accessToken');
    const boundary = /^multipart\/form-data; boundary=([\w-]{20,70})$/.exec(header(request, 'content-type') ?? '')?.[1];
    expect(request.body.reveal()).toContain(
      `--${boundary}\r\nContent-Disposition: form-data; name="refresh_token"\r\n\r\n${token}\r\n--${boundary}`,
    );
    expect(request.body.reveal().endsWith(`--${boundary}--\r\n`)).toBe(true);
  });

  test('names a public client in the body and authenticates nobody', () => {
    const request = prepare('oauth2', { request: { clientAuth: 'none', body: 'json', parameters: { audience: 'x' } } });
    expect(JSON.parse(request.body.reveal())).toEqual({
      audience: 'x',
      grant_type: 'refresh_token',
      refresh_token: token,
      client_id: 'id-1',
    });
    expect(header(request, 'authorization')).toBeUndefined();
  });

  test('lets a provider file add headers and change none that matter', () => {
    const headers = { 'X-Extra': '1', Accept: 'text/html', 'Content-Type': 'text/plain' };
    const request = prepare('oauth2', { request: { clientAuth: 'basic', body: 'form', headers } });
    expect(header(request, 'x-extra')).toBe('1');
    expect(header(request, 'accept')).toBe('application/json');
    expect(header(request, 'content-type')).toBe('application/x-www-form-urlencoded');
  });

  test('prints no secret', () => {
    for (const name of ['docusign', 'adobe-acrobat-sign', 'esignglobal'] as const) {
      const printed = `${inspect(prepare(name), { depth: 9, showHidden: true })}${JSON.stringify(prepare(name))}`;
      expect(printed).not.toMatch(/odd&|odd%26|se:cret|c2U6|aWQtMTpz/);
    }
  });

  test('is refused without a client secret where one is needed', () => {
    expect(() => prepare('docusign', {}, { clientSecret: '' })).toThrow(expect.objectContaining({ code: 'refused' }));
  });

  test('is refused with a colon in the client id of a plain Basic header', () => {
    expect(() => prepare('docusign', {}, { clientId: 'a:b' })).toThrow(expect.objectContaining({ code: 'refused' }));
  });

  test('is refused for a token that would change on its way out', () => {
    const subject = { provider: providerFile('docusign'), environment: 'production' };
    for (const bad of ['', 'a\ud800b']) {
      const attempt = () =>
        refreshRequest(
          { ...subject, refreshToken: new Secret(bad) },
          { clientId: 'a', clientSecret: new Secret('b') },
          settings,
        );
      expect(attempt).toThrow(expect.objectContaining({ code: 'refused' }));
    }
  });
});

test('no value ends a multipart part early or adds one', () => {
  const boundaryMaker = { ...seededRandom(1), bytes: (count: number) => Buffer.alloc(count, calls++ === 0 ? 1 : 2) };
  let calls = 0;
  const first = `pilotlight-${Buffer.alloc(18, 1).toString('hex')}`;
  const evil = `x\r\n--${first}\r\nContent-Disposition: form-data; name="client_id"\r\n\r\nevil`;
  const { body } = encodeBody(
    'multipart',
    new Map([
      ['refresh_token', evil],
      ['a"\r\nb', '1'],
    ]),
    boundaryMaker,
  );
  const boundary = `pilotlight-${Buffer.alloc(18, 2).toString('hex')}`;
  expect(body.split(`--${boundary}`)).toHaveLength(4);
  expect(body).toContain('name="a%22%0D%0Ab"');
});
