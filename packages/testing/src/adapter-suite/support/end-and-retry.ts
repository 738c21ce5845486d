// Requirement 5: runs a first attempt that ends in some way, and its retry.
import { expect } from 'vitest';
import type { Testbed } from '../adapter-tests.js';
import type { AppSpec, Handler, LayerResult, Options } from '../framework.js';
import { expectReplay } from './expect-replay.js';
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

/** An inner layer that ends attempt 1 so, and passes later attempts on to the handler. */
export function inFirstAttempt(testbed: Testbed, result: LayerResult): unknown {
  return testbed.layer(({ context }) => (context?.attempt === 1 ? result : undefined));
}

export function expectFreed({ first, retry, attempts }: EndAndRetryResult, status: number): void {
  expect(first?.status).toBe(status);
  expect(first?.headers['idempotency-recorded']).toBeUndefined();
  expect(retry).toMatchObject({ status: 200, text: '{"attempt":2}' });
  expect(retry.headers['idempotent-replayed']).toBeUndefined();
  expect(attempts).toEqual([1, 2]);
}

/** The response to attempt 1 has this status and is replayed. */
export async function expectReplayed(
  testbed: Testbed,
  status: number,
  handler: Handler,
  options: Options = {},
): Promise<void> {
  const { first, retry, attempts } = await endAndRetry(testbed, handler, options);
  expect(first?.status).toBe(status);
  if (first !== null) expectReplay(retry, first);
  expect(attempts).toEqual([1]);
}
