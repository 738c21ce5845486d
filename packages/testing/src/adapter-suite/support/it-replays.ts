// Requirement 2: the test that every way of responding has to pass.
import { expect, it } from 'vitest';
import type { Testbed } from '../adapter-tests.js';
import type { Handler } from '../framework.js';
import { comparableResponse, expectReplay } from './expect-replay.js';
import { type RequestToSend, send } from './http-client.js';

/**
 * Compares three responses with that of the handler without the middleware: the first, the replay, and one without a
 * key.
 */
export function itReplays(testbed: Testbed, title: string, handler: Handler, request: RequestToSend = {}): void {
  it(title, async () => {
    let runs = 0;
    const counted: Handler = (call) => {
      runs += 1;
      return handler(call);
    };
    const { store } = await testbed.openStore();
    const plain = await testbed.start({ store, handler, plain: true });
    const { port } = await testbed.start({ store, handler: counted, options: { omitHeaders: [] } });
    const expected = comparableResponse(await send(plain.port, request));
    expect(comparableResponse(await send(port, request))).toEqual(expected);
    const first = await send(port, { ...request, key: 'once' });
    expect(comparableResponse(first)).toEqual(expected);
    expectReplay(await send(port, { ...request, key: 'once' }), first);
    expect(runs).toBe(2);
  });
}
