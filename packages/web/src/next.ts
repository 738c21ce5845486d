// @onceguard/web/next: what Next's `redirect()` and `notFound()` throw in a route handler, as the responses that Next makes of it.

/**
 * To spread into the options of `withIdempotency()` in a route handler of Next: a redirect is recorded as a redirect, and does not count
 * as a failure. `redirect()` and `permanentRedirect()` (307, 308), `notFound()` (404), `forbidden()` (403) and `unauthorized()` (401).
 *
 * @example
 * export const POST = withIdempotency(handler, { store, scope, ...next, waitUntil: after });
 */
export const next = Object.freeze({
  responseOf(thrown: unknown): Response | undefined {
    const digest = digestOf(thrown);
    return digest === undefined ? undefined : (redirectOf(digest) ?? httpErrorOf(digest));
  },
});

/** Next recognises its own errors by this text, so that copies of a module do not matter. */
function digestOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('digest' in thrown)) return undefined;
  return typeof thrown.digest === 'string' ? thrown.digest : undefined;
}

/** `NEXT_REDIRECT;<push or replace>;<url>;<status>;`, where the URL may have semicolons. */
function redirectOf(digest: string): Response | undefined {
  const [, location, status] = /^NEXT_REDIRECT;(?:push|replace);(.*);(307|308|303);$/s.exec(digest) ?? [];
  if (location === undefined) return undefined;
  return new Response(null, { status: Number(status), headers: { location } });
}

function httpErrorOf(digest: string): Response | undefined {
  const status = /^NEXT_HTTP_ERROR_FALLBACK;(401|403|404)$/.exec(digest)?.[1];
  return status === undefined ? undefined : new Response(null, { status: Number(status) });
}
