// A server that kept its requests in memory would run out of it.
import { setImmediate as nextIteration } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { Handler } from '../framework.js';
import { send } from '../support/http-client.js';
import { collectGarbage } from '../support/live-memory.js';

const count = 20;
/** A connection may refer to its last request. */
const stillReferenced = 2;

const succeed: Handler = () => ({ status: 201, body: { paid: true } });

function fail(): never {
  throw new Error('It failed.');
}

export function memoryAfterResponseTests(suite: AdapterTests): void {
  suite.group('A request that was answered is not kept in memory:', (testbed) => {
    const cases: readonly [title: string, status: number, handler: Handler, keyOf: (index: number) => string][] = [
      ['one that ran', 201, succeed, (index) => `payment-${index}`],
      ['one that failed', 500, fail, (index) => `payment-${index}`],
      ['one that got a replay', 201, succeed, () => 'payment'],
    ];
    it.each(cases)('%s', async (_title, status, handler, keyOf) => {
      const requests: WeakRef<object>[] = [];
      const scope = (native: object) => {
        requests.push(new WeakRef(native));
        return 'alice';
      };
      const handled: unknown[] = [];
      const { store } = await testbed.openStore();
      const { port } = await testbed.start({ store, handler, options: { scope }, handled });
      for (let index = 0; index < count; index += 1)
        expect(await send(port, { key: keyOf(index) })).toMatchObject({ status });
      expect(requests).toHaveLength(count);
      // An error refers to what it was thrown in.
      handled.length = 0;
      expect(await countReferenced(requests)).toBeLessThanOrEqual(stillReferenced);
    });
  });
}

/** How many are still referenced, once what ends in the next iterations of the event loop has ended. */
async function countReferenced(references: readonly WeakRef<object>[]): Promise<number> {
  let referenced = references.length;
  for (let iteration = 0; iteration < 50 && referenced > stillReferenced; iteration += 1) {
    await nextIteration();
    collectGarbage();
    referenced = references.filter((reference) => reference.deref() !== undefined).length;
  }
  return referenced;
}
