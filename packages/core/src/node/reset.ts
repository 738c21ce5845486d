// Making a response what it was before the handler's side had it.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../http/headers.js';
import { putBack } from './overlay.js';
import { REMOVAL_MARKS } from './rehearsal.js';

const SETTINGS = [
  'statusCode',
  'statusMessage',
  'strictContentLength',
  'shouldKeepAlive',
  'useChunkedEncodingByDefault',
  // Last, because removing headers sets them.
  ...REMOVAL_MARKS,
];

/** Remembers status, settings and headers, and returns how to put them back. */
export function resetOf(res: ServerResponse, headers: readonly HeaderEntry[]): () => void {
  const settings = SETTINGS.map((name) => putBack(res, name));
  return () => {
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    for (const [name, value] of headers) res.setHeader(name, value);
    for (const restore of settings) restore();
  };
}
