// Requirement 5: layers that send a time-out response while the handler works.

import type { Testbed } from '../adapter-tests.js';
import type { AppSpec, Handler, Options, TimeoutLayer } from '../framework.js';
import { newGate } from './gate.js';
import { type ReceivedResponse, send } from './http-client.js';

export const timeoutLayersOf = ({ framework }: Testbed): [title: string, layer: TimeoutLayer][] =>
  Object.entries(framework.timeouts ?? {});

export interface TimedOutRequest {
  readonly port: number;
  readonly store: AppSpec['store'];
  /** The layer's response, while the handler of attempt 1 works. */
  readonly first: ReceivedResponse;
  /** The attempts whose handler has begun. */
  readonly attempts: readonly number[];
  /** Lets the handler of attempt 1 end; resolves when it has ended. */
  finish(): Promise<void>;
}

/** Attempt 1 works until `finish`; its time is up while it works. Later attempts respond with 200 and their number. */
export async function timeOutFirstAttempt(
  testbed: Testbed,
  layer: Pick<TimeoutLayer, 'mount'>,
  options: Options,
  begin: Handler = () => ({}),
  end: Handler = ({ headersSent, context }) =>
    headersSent ? 'native' : { status: 201, body: { attempt: context?.attempt } },
): Promise<TimedOutRequest> {
  const { store } = await testbed.openStore();
  const [timeIsUp, mayEnd, ended] = [newGate(), newGate(), newGate()];
  const attempts: number[] = [];
  const handler: Handler = async (call) => {
    const attempt = call.context?.attempt ?? 0;
    attempts.push(attempt);
    if (attempt > 1) return { status: 200, body: { attempt } };
    await begin(call);
    timeIsUp.open();
    await mayEnd.opened;
    ended.open();
    return await end(call);
  };
  const requests = [timeIsUp.opened];
  const never = newGate().opened;
  const { port } = await testbed.start({ store, handler, options, ...layer.mount(() => requests.shift() ?? never) });
  const first = await send(port, { key: 'payment-1' });
  const finish = async () => {
    mayEnd.open();
    await ended.opened;
  };
  return { port, store, first, attempts, finish };
}
