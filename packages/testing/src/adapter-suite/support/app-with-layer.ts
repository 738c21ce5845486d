// An app with other middleware outside or inside of idempotency(), called without a key, then with one, then again.
import { gunzipSync } from 'node:zlib';
import type { Testbed } from '../adapter-tests.js';
import type { AppSpec, Handler, Options } from '../framework.js';
import { comparableResponse } from './expect-replay.js';
import { type ReceivedResponse, type RequestToSend, send } from './http-client.js';

export type Place = 'outside' | 'inside';
export const places: readonly Place[] = ['outside', 'inside'];

export const longText = 'A text that is long enough to be worth compressing. '.repeat(100);

/** A response with a header that layers append to. */
export const paidWithHeaders: Handler = () => ({
  status: 201,
  headers: { 'X-Layer': ['inside'], 'X-Made': 'here' },
  body: { paid: true, lines: ['inside'] },
});

export interface MiddlewareSetup {
  readonly testbed: Testbed;
  readonly place: Place;
  readonly layer: unknown;
  readonly handler: Handler;
  readonly options?: Options;
}

export interface MiddlewareApp {
  /** Sends the request without a key: the response without idempotency. */
  sendWithoutKey(sent?: RequestToSend): Promise<ReceivedResponse>;
  sendWithKey(sent?: RequestToSend): Promise<ReceivedResponse>;
  /** How often the handler ran. */
  runs(): number;
}

export async function startWithMiddleware({
  testbed,
  place,
  layer,
  handler,
  options = {},
}: MiddlewareSetup): Promise<MiddlewareApp> {
  let runs = 0;
  const spec: AppSpec = {
    store: (await testbed.openStore()).store,
    options,
    [place === 'outside' ? 'outer' : 'inner']: [layer],
    handler: async (call) => {
      runs += 1;
      return await handler(call);
    },
  };
  const { port } = await testbed.start(spec);
  return {
    sendWithoutKey: async (sent = {}) => await send(port, sent),
    sendWithKey: async (sent = {}) => await send(port, { key: 'k', ...sent }),
    runs: () => runs,
  };
}

/** The body, which compression must not change. */
function decompressedBody(received: ReceivedResponse): string {
  return (received.headers['content-encoding'] === 'gzip' ? gunzipSync(received.body) : received.body).toString();
}

/** Everything but the framing and the compressed bytes, which may differ between two runs. */
export function comparableParts(received: ReceivedResponse) {
  return { ...comparableResponse(received), body: decompressedBody(received) };
}
