/** A small urlencoded form out of a request's body, and nothing else out of any body. */
import type { IncomingMessage } from 'node:http';

/** Our forms have one field; what is larger is none of them. */
export const formBytesMax = 4_096;
const fieldsMax = 16;

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

export type ReadForm = URLSearchParams | { readonly refused: 400 | 413 | 415 };

/** The form, or the status it is refused with. Never rejects. */
export async function readForm(request: IncomingMessage): Promise<ReadForm> {
  const { headers } = request;
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded' || headers['content-encoding'] !== undefined)
    return { refused: 415 };
  if (Number(headers['content-length'] ?? 0) > formBytesMax) return { refused: 413 };
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    // Leaving the loop must not end the connection: the refusal is still to be sent on it.
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > formBytesMax) return { refused: 413 };
      parts.push(part);
    }
  } catch {
    // The peer broke off in the middle of it.
    return { refused: 400 };
  }
  const form = new URLSearchParams(Buffer.concat(parts).toString('utf8'));
  return form.size > fieldsMax ? { refused: 413 } : form;
}
