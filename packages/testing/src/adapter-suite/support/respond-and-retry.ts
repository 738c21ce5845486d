// Requirement 5: sends one request to which a handler or a layer responds, then its retry, and counts the effects.
import { drainStore } from '@onceguard/core';
import type { Testbed } from '../adapter-tests.js';
import type { AppSpec, Handler, LayerAction, LayerResult, Options } from '../framework.js';
import { newGate } from './gate.js';
import { type ReceivedResponse, send } from './http-client.js';

/** A response; null for none. `unrouted`: nobody responds, and the framework sends its 404. */
export interface GivenResponse {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
  readonly isUnrouted?: true;
}

/**
 * Who responds, and when. `before`: an inner layer, instead of the handler. `during`: a layer, while the handler runs
 * and after its effect; with `handlerEnd` an outer layer, so that the adapter sees the handler running. `during, unnoticed`: the same
 * from an inner layer. `after`: the handler itself, after its effect. `after nothing`: the handler, without its effect and
 * after markNothingHappened.
 */
export type ResponseMoment = 'before' | 'during' | 'during, unnoticed' | 'after' | 'after nothing';

export interface RespondAndRetryResult {
  readonly first: ReceivedResponse | null;
  /** What the retry got, once the handler had ended. */
  readonly retry: 'replayed' | 'runs' | 'unknown';
  readonly effects: number;
}

/** Sends a request with this response, and its retry, to which the handler responds with 201. */
export async function respondAndRetry(
  testbed: Testbed,
  response: GivenResponse | null,
  when: ResponseMoment,
  options: Options,
): Promise<RespondAndRetryResult> {
  const { store } = await testbed.openStore();
  const [began, mayEnd, ended] = [newGate(), newGate(), newGate()];
  let [runs, effects] = [0, 0];
  const handler: Handler = async (call) => {
    const { context } = call;
    runs += 1;
    // A layer that responds before the work leaves the first run to the retry.
    const isFirst = runs === 1 && when !== 'before';
    if (isFirst && when === 'after nothing') context?.markNothingHappened();
    else effects += 1;
    began.open();
    if (!isFirst) return { status: 201, body: { effects } };
    if (when.startsWith('during')) {
      await mayEnd.opened;
      ended.open();
      return 'native';
    }
    if (response !== null) return response;
    call.res.destroy();
    return 'raw';
  };
  const { port } = await testbed.start({
    store,
    handler,
    options,
    ...respondingLayer(testbed, response, when, began.opened),
  });
  const first = await send(port, { key: 'payment-1' }).catch(() => null);
  mayEnd.open();
  if (when.startsWith('during')) await ended.opened;
  await drainStore(store);
  return { first, retry: kindOf(await send(port, { key: 'payment-1' })), effects };
}

function kindOf(retry: ReceivedResponse): RespondAndRetryResult['retry'] {
  if (retry.headers['idempotent-replayed'] === 'true') return 'replayed';
  if (retry.status === 409 && retry.json().code === 'outcome_unknown') return 'unknown';
  if (retry.status === 201) return 'runs';
  throw new Error(`The retry got ${retry.status}: ${retry.text}`);
}

/** The layer that responds to the first request, unless the handler does. */
function respondingLayer(
  testbed: Testbed,
  response: GivenResponse | null,
  when: ResponseMoment,
  began: Promise<void>,
): Pick<AppSpec, 'inner' | 'outer'> {
  if (when.startsWith('after')) return {};
  let requests = 0;
  const action: LayerAction = () => {
    requests += 1;
    if (requests > 1) return undefined;
    return when === 'before' ? resultOf(response) : began.then(() => resultOf(response));
  };
  const isOutside = when === 'during' && testbed.has('handlerEnd');
  return { [isOutside ? 'outer' : 'inner']: [testbed.layer(action)] };
}

function resultOf(response: GivenResponse | null): LayerResult {
  if (response === null) return 'close';
  return response.isUnrouted ? 'unrouted' : response;
}
