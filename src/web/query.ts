/** The query string of the status page, read and written in one place. What is not understood is left out, never an error. */
import { type ConnectionState, connectionStates } from '../connection/entry.ts';
import { pageDepthMax, pageSizeMax, type StatusQuery } from './ports.ts';

export const pageSizeDefault = 50;
const textLengthMax = 128;

export interface PageQuery extends StatusQuery {
  /** The page loads itself again every few seconds. */
  readonly live: boolean;
}

export function readQuery(query: URLSearchParams): PageQuery {
  const provider = query.get('provider')?.trim().slice(0, textLengthMax) ?? '';
  const text = query.get('q')?.trim().slice(0, textLengthMax) ?? '';
  const state = connectionStates.find((name) => name === query.get('state'));
  const size = whole(query.get('size'), pageSizeDefault, pageSizeMax);
  return {
    ...(provider === '' ? {} : { provider }),
    ...(state === undefined ? {} : { state }),
    ...(text === '' ? {} : { text }),
    page: whole(query.get('page'), 1, Math.floor(pageDepthMax / size)),
    size,
    live: query.get('live') !== 'off',
  };
}

function whole(text: string | null, otherwise: number, most: number): number {
  if (text === null || !/^\d{1,9}$/.test(text)) return otherwise;
  return Math.min(Math.max(1, Number(text)), most);
}

/** What a link changes of a query; null takes a filter away. Another filter starts at the first page again. */
export interface QueryChange {
  readonly page?: number;
  readonly live?: boolean;
  readonly state?: ConnectionState | null;
}

/** The address of a status page. */
export function hrefOf(query: PageQuery, change: QueryChange = {}, path = '/'): string {
  const out = new URLSearchParams();
  const state = change.state === undefined ? query.state : (change.state ?? undefined);
  const page = change.page ?? (change.state === undefined ? query.page : 1);
  if (query.provider !== undefined) out.set('provider', query.provider);
  if (state !== undefined) out.set('state', state);
  if (query.text !== undefined) out.set('q', query.text);
  if (query.size !== pageSizeDefault) out.set('size', String(query.size));
  if (page !== 1) out.set('page', String(page));
  if (!(change.live ?? query.live)) out.set('live', 'off');
  const text = out.toString();
  return text === '' ? path : `${path}?${text}`;
}
