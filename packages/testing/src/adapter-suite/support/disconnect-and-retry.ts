// A client that disconnects while the handler runs, and its retry.
import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Testbed } from '../adapter-tests.js';
import type { AppSpec, Call, Reply } from '../framework.js';
import { newGate } from './gate.js';
import { begin, type ReceivedResponse, type RequestToSend, send } from './http-client.js';

/** How a client disconnects: orderly, or with a reset. */
export const disconnects = {
  'closes the connection': (client: ClientRequest) => void client.destroy(),
  'resets the connection': (client: ClientRequest) => void client.socket?.resetAndDestroy(),
};

/** The client stays connected. */
export const staysConnected = (): void => {};

export interface DisconnectResult {
  /** How often the handler ran. */
  readonly runs: number;
  readonly retry: ReceivedResponse;
}

/**
 * The client of attempt 1 disconnects when its handler calls `leave`, which resolves when the server knows. The retry
 * waits for the end of attempt 1, and gets another response if it runs itself.
 */
export async function disconnectAndRetry(
  testbed: Testbed,
  depart: (client: ClientRequest) => void,
  handler: (call: Call, leave: () => Promise<void>) => Reply | Promise<Reply>,
  spec: Partial<AppSpec> & { readonly sent?: RequestToSend } = {},
): Promise<DisconnectResult> {
  const wanted = newGate();
  let runs = 0;
  const { store } = await testbed.openStore();
  const app = await testbed.start({
    store,
    ...spec,
    options: { onInProgress: { waitMs: 30_000 }, ...spec.options },
    handler: async (call) => {
      runs += 1;
      if (runs > 1) return { status: 202, body: 'attempt 2' };
      const leave = async (): Promise<void> => {
        // The server's own socket: the one that the handler sees hides the close.
        const [socket] = app.sockets;
        const gone = socket && once(socket, 'close').catch(() => {});
        wanted.open();
        await gone;
      };
      return await handler(call, leave);
    },
  });
  const sent = { ...spec.sent, key: 'payment-1' };
  const { port } = app;
  const client = begin(port, sent);
  client.on('error', () => {});
  await wanted.opened;
  depart(client);
  const retry = await send(port, sent);
  client.destroy();
  return { retry, runs };
}
