// Resets a response to what it was before the handler got it.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import { internalsOf } from '../intercept/response-internals.js';

export type ResponseSettings = ReturnType<typeof settingsOf>;

/** Everything except the headers that decides how Node sends a response. Each by its name: a loop over the names takes V8 much longer. */
export function settingsOf(res: ServerResponse) {
  const internals = internalsOf(res);
  return {
    statusCode: res.statusCode,
    statusMessage: res.statusMessage,
    strictContentLength: res.strictContentLength,
    shouldKeepAlive: res.shouldKeepAlive,
    useChunkedEncodingByDefault: res.useChunkedEncodingByDefault,
    // Last, because removing headers sets them.
    sendDate: res.sendDate,
    _removedConnection: internals._removedConnection,
    _removedContLen: internals._removedContLen,
    _removedTE: internals._removedTE,
  };
}

/** Restores status, settings and headers. */
export function resetResponse(res: ServerResponse, settings: ResponseSettings, headers: readonly HeaderEntry[]): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  for (const [name, value] of headers) res.setHeader(name, value);
  for (const [name, value] of Object.entries(settings)) Reflect.set(res, name, value);
}

/** From Node 22 on, the end of a corked response would overtake what was written before it. */
export function uncorkFully(res: ServerResponse): void {
  for (let corked = res.writableCorked; corked > 0; corked--) res.uncork();
}
