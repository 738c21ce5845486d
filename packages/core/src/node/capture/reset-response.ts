// Resets a response to what it was before the handler got it.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import { HEADER_REMOVAL_FLAGS } from '../intercept/response-internals.js';

const SETTING_NAMES = [
  'statusCode',
  'statusMessage',
  'strictContentLength',
  'shouldKeepAlive',
  'useChunkedEncodingByDefault',
  // Last, because removing headers sets them.
  ...HEADER_REMOVAL_FLAGS,
];

export type ResponseSettings = readonly unknown[];

/** Everything except the headers that decides how Node sends a response. */
export function settingsOf(res: ServerResponse): ResponseSettings {
  const all = res as unknown as Readonly<Record<string, unknown>>;
  return SETTING_NAMES.map((name) => all[name]);
}

/** Restores status, settings and headers. */
export function resetResponse(res: ServerResponse, settings: ResponseSettings, headers: readonly HeaderEntry[]): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  for (const [name, value] of headers) res.setHeader(name, value);
  for (const [at, name] of SETTING_NAMES.entries()) Reflect.set(res, name, settings[at]);
}

/** From Node 22 on, the end of a corked response would overtake what was written before it. */
export function uncorkFully(res: ServerResponse): void {
  for (let corked = res.writableCorked; corked > 0; corked--) res.uncork();
}
