// Making a response what it was before the handler's side had it.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../http/headers.js';
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

export type Settings = readonly unknown[];

/** What stands on a response beside its headers, and decides how it is sent. */
export function settingsOf(res: ServerResponse): Settings {
  return SETTINGS.map((name) => Reflect.get(res, name));
}

/** Puts status, settings and headers back. */
export function reset(res: ServerResponse, settings: Settings, headers: readonly HeaderEntry[]): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  for (const [name, value] of headers) res.setHeader(name, value);
  for (const [at, name] of SETTINGS.entries()) Reflect.set(res, name, settings[at]);
}

/** From Node 22 on, the end of an answer would overtake what was written while `res` was corked. */
export function uncork(res: ServerResponse): void {
  for (let corked = res.writableCorked; corked > 0; corked--) res.uncork();
}
