/**
 * Request bodies of a token endpoint: a list of names and values as a form, as multipart or as JSON. Values may hold any
 * text; no encoding lets one value end early or add a parameter.
 */
import type { Random } from '../runtime/random.ts';

export type Parameters = ReadonlyMap<string, string>;

export interface EncodedBody {
  readonly contentType: string;
  readonly body: string;
}

export function encodeBody(kind: 'form' | 'multipart' | 'json', parameters: Parameters, random: Random): EncodedBody {
  switch (kind) {
    case 'form':
      // Without a charset parameter: the type defines none, and DocuSign answers an unusual type with invalid_grant.
      return {
        contentType: 'application/x-www-form-urlencoded',
        body: new URLSearchParams([...parameters]).toString(),
      };
    case 'json':
      return { contentType: 'application/json', body: JSON.stringify(Object.fromEntries(parameters)) };
    case 'multipart':
      return encodeMultipart(parameters, random);
  }
}

/** RFC 7578: one part per parameter, without a type of its own (plain text in UTF-8). */
function encodeMultipart(parameters: Parameters, random: Random): EncodedBody {
  const boundary = newBoundary([...parameters.values()], random);
  const parts = [...parameters].map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"\r\n\r\n${value}\r\n`,
  );
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: `${parts.join('')}--${boundary}--\r\n` };
}

/** A boundary no value holds, which a value chosen by somebody else could otherwise use to add parts. */
function newBoundary(values: readonly string[], random: Random): string {
  for (let attempt = 0; attempt < 8; attempt++) {
    const boundary = `pilotlight-${random.bytes(18).toString('hex')}`;
    if (!values.some((value) => value.includes(boundary))) return boundary;
  }
  throw new Error('no multipart boundary found that the values do not hold');
}

/** As browsers do it (HTML standard, multipart/form-data encoding algorithm). */
function escapeName(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
