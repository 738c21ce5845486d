// Resets a response to what it was before the handler got it.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';

export interface ResponseSettings {
  readonly statusCode: unknown;
  readonly statusMessage: unknown;
  readonly strictContentLength: unknown;
  readonly shouldKeepAlive: unknown;
  readonly useChunkedEncodingByDefault: unknown;
  // Last, because removing headers sets them.
  readonly sendDate: unknown;
  readonly _removedConnection: unknown;
  readonly _removedContLen: unknown;
  readonly _removedTE: unknown;
}

/** Everything except the headers that decides how Node sends a response. Each by its name: a loop over the names takes V8 much longer. */
export function settingsOf(res: ServerResponse): ResponseSettings {
  const all = res as unknown as ResponseSettings;
  return {
    statusCode: all.statusCode,
    statusMessage: all.statusMessage,
    strictContentLength: all.strictContentLength,
    shouldKeepAlive: all.shouldKeepAlive,
    useChunkedEncodingByDefault: all.useChunkedEncodingByDefault,
    sendDate: all.sendDate,
    _removedConnection: all._removedConnection,
    _removedContLen: all._removedContLen,
    _removedTE: all._removedTE,
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
