// Requirement 5: runs a first attempt that ends in some way, and its retry.
import type { RequestHandler } from 'express';
import type { Context, Next } from 'koa';
import type { Testbed } from './framework-matrix.js';
import type { AppSpec, Handler, Options } from './frameworks.js';
import { type ReceivedResponse, send } from './http-client.js';

export interface EndAndRetryResult {
  /** What the caller of the first attempt got; null if the connection was closed without a response. */
  readonly first: ReceivedResponse | null;
  readonly retry: ReceivedResponse;
  /** The attempts that ran. */
  readonly attempts: readonly number[];
}

/** Attempt 1 runs the handler, later attempts respond with 200. The retry waits for the end of attempt 1. */
export async function endAndRetry(
  testbed: Testbed,
  handler: Handler,
  options: Options = {},
  spec: Pick<AppSpec, 'inner' | 'outer'> = {},
): Promise<EndAndRetryResult> {
  const { store } = await testbed.openStore();
  const attempts: number[] = [];
  const { port } = await testbed.start({
    store,
    options: { onInProgress: { waitMs: 30_000 }, ...options },
    ...spec,
    handler: (call) => {
      const attempt = call.context?.attempt ?? 0;
      attempts.push(attempt);
      return attempt === 1 ? handler(call) : { status: 200, body: { attempt } };
    },
  });
  const first = await send(port, { key: 'payment-1' }).catch(() => null);
  return { first, retry: await send(port, { key: 'payment-1' }), attempts };
}

/** Middleware that acts in attempt 1 and passes later attempts on to the handler. */
export function inFirstAttempt(
  { framework }: Testbed,
  first: { express: RequestHandler; koa: (ctx: Context) => unknown },
): unknown {
  if (framework.family === 'express') {
    const layer: RequestHandler = (req, res, next) =>
      req.idempotency?.attempt === 1 ? first.express(req, res, next) : next();
    return layer;
  }
  return async (ctx: Context, next: Next) => await (ctx.state.idempotency?.attempt === 1 ? first.koa(ctx) : next());
}
