// Requests whose outcome is unknown, and applications that call a function to find it out.
import type { IdempotencyStore, RecoverContext, Recovery, StepContext } from '@onceguard/core';
import type { RecoveredResponse } from '@onceguard/core/http';
import type { Testbed } from '../adapter-tests.js';
import type { Call, Handler, Options } from '../framework.js';
import { type ReceivedResponse, send } from './http-client.js';

const key = 'order-1';

type RecoverFunction = (
  context: RecoverContext,
  request: Call['native'],
) => Recovery<RecoveredResponse> | Promise<Recovery<RecoveredResponse>>;

export interface ShopWithUnknownOutcome {
  readonly store: IdempotencyStore;
  /** Sends the request again. */
  retry(headers?: Record<string, string>): Promise<ReceivedResponse>;
  /** Which steps acted in which attempt, such as `reserve 1`. */
  readonly acts: readonly string[];
  /** The keys that the other system got from the step `charge`. */
  readonly chargeKeys: readonly string[];
}

/** A handler of two steps. The second may run at most once and throws in attempt 1: the outcome is unknown. */
export async function startShopWithUnknownOutcome(
  testbed: Testbed,
  find: RecoverFunction | 'block',
): Promise<ShopWithUnknownOutcome> {
  const { store } = await testbed.openStore();
  const acts: string[] = [];
  const chargeKeys: string[] = [];
  const act = (name: string) => (step: StepContext) => {
    acts.push(`${name} ${step.attempt}`);
    if (name === 'charge') chargeKeys.push(step.key);
    if (name === 'charge' && step.attempt === 1) throw new Error('The network broke.');
    return `${name} by attempt ${step.attempt}`;
  };
  const handler: Handler = async ({ context }) => {
    const reserved = await context?.step('reserve', act('reserve'));
    const charged = await context?.step('charge', act('charge'), { atMostOnce: true });
    return { status: 201, body: { reserved, charged } };
  };
  const onAbandoned = find as NonNullable<Options['onAbandoned']>;
  const { port } = await testbed.start({ store, handler, options: { onAbandoned } });
  const retry = async (headers: Record<string, string> = {}) => await send(port, { key, headers });
  await retry();
  return { store, retry, acts, chargeKeys };
}
