// Requests whose outcome nobody knows, and applications that ask a function what became of them.
import type { IdempotencyStore, RecoverContext, Recovery, StepContext } from '@onceguard/core';
import type { RecoveredResponse } from '@onceguard/core/http';
import type { Testbed } from './framework-matrix.js';
import type { Call, Handler, Options } from './frameworks.js';
import { type ReceivedResponse, send } from './http-client.js';

const key = 'order-1';

type RecoverFunction = (
  context: RecoverContext,
  request: Call['native'],
) => Recovery<RecoveredResponse> | Promise<Recovery<RecoveredResponse>>;

export interface ShopWithUnknownOutcome {
  readonly store: IdempotencyStore;
  /** The request, again. */
  retry(headers?: Record<string, string>): Promise<ReceivedResponse>;
  /** Which steps acted in which attempt, such as `reserve 1`. */
  readonly acts: readonly string[];
  /** What the other system was given by the step `charge`. */
  readonly chargeKeys: readonly string[];
}

/** A handler of two steps, the second of which runs once at most and breaks in attempt 1: its outcome is unknown. */
export async function startShopWithUnknownOutcome(
  world: Testbed,
  find: RecoverFunction | 'block',
): Promise<ShopWithUnknownOutcome> {
  const { store } = await world.openStore();
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
  const { port } = await world.start({ store, handler, options: { onAbandoned } });
  const retry = async (headers: Record<string, string> = {}) => await send(port, { key, headers });
  await retry();
  return { store, retry, acts, chargeKeys };
}
