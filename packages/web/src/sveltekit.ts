// @onceguard/web/sveltekit: what SvelteKit's `redirect()` and `error()` throw in a server route, as the responses that SvelteKit makes of it.

/**
 * To spread into the options of `withIdempotency()` in a `+server.ts` of SvelteKit: a thrown redirect is recorded as a redirect, and an
 * expected error (`error(409, …)`) as its status with the body as JSON.
 *
 * @example
 * export const POST = withIdempotency(handler, { store, scope: ({ locals }) => locals.user.id, ...sveltekit });
 */
export const sveltekit = Object.freeze({
  responseOf(thrown: unknown): Response | undefined {
    if (typeof thrown !== 'object' || thrown === null) return undefined;
    const { status, location, body } = thrown as { status?: unknown; location?: unknown; body?: unknown };
    if (typeof status !== 'number') return undefined;
    if (typeof location === 'string') return new Response(null, { status, headers: { location } });
    const isHttpError =
      status >= 400 && status <= 599 && typeof body === 'object' && body !== null && 'message' in body;
    return isHttpError ? Response.json(body, { status }) : undefined;
  },
});
