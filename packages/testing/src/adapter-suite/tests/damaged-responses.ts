// Records that are damaged or that set framing headers: neither is sent, and nothing runs again.
import { resolveDoubt } from '@onceguard/core';
import { expect, it } from 'vitest';
import { FaultStore } from '../../fault-store.js';
import type { AdapterTests } from '../adapter-tests.js';
import { send } from '../support/http-client.js';
import { allDoubts } from '../support/list-all-doubts.js';
import { startShopWithUnknownOutcome } from '../support/unknown-outcome.js';

const why = { by: 'ada@example.com', reason: 'asked the provider' };

/** A response as it is recorded, with any status and headers. */
const recorded = (status: number, set: readonly (readonly [string, string])[]) =>
  Buffer.concat([Buffer.of(1), Buffer.from(`${JSON.stringify([status, null, set, [], []])}\nbody`)]);

export function damagedResponsesTests(suite: AdapterTests): void {
  suite.group(
    'A record that cannot be read',
    (testbed) => {
      it('is rejected as damaged, and the request does not run, also where it could bypass the store', async () => {
        const { store: inner } = await testbed.openStore();
        const store = new FaultStore(inner);
        let runs = 0;
        const handler = () => {
          runs += 1;
          return { status: 201, body: { run: runs } };
        };
        for (const onStoreUnavailable of ['reject', 'bypass'] as const) {
          const { port } = await testbed.start({ store, handler, options: { onStoreUnavailable } });
          const key = onStoreUnavailable;
          const first = await send(port, { key });
          store.injectFault('acquire', async (pass) => {
            const reply = (await pass()) as never as { outcome: Uint8Array };
            return { ...reply, outcome: reply.outcome.subarray(0, -1) } as never;
          });
          const refused = await send(port, { key });
          expect(refused.json()).toMatchObject({ status: 503, code: 'record_damaged', retryable: false });
          expect(refused.headers['retry-after']).toBeUndefined();
          store.clearFaults();
          expect((await send(port, { key })).text).toBe(first.text);
        }
        expect(runs).toBe(2);
      });

      it.each([
        ['an informational status', 101, []],
        ['a coding', 200, [['Transfer-Encoding', 'chunked']]],
        ['a length', 200, [['Content-Length', '1']]],
        ['a connection', 200, [['connection', 'close']]],
      ] as const)('is not sent where it has %s: the sender decides the framing', async (_, status, set) => {
        const { store, retry, acts } = await startShopWithUnknownOutcome(testbed, 'block');
        const [doubt] = await allDoubts(store);
        await resolveDoubt(store, doubt?.recordName ?? '', { as: 'done', outcome: recorded(status, set), ...why });
        const refused = await retry();
        // For the application's error handler: a program has recorded a response that cannot be sent.
        expect(refused.status).toBe(500);
        expect(refused.text).not.toBe('body');
        expect(refused.headers['transfer-encoding']).toBeUndefined();
        expect(acts).toEqual(['reserve 1', 'charge 1']);
      });

      it('is rejected whole, whatever framing headers renderProblem gives', async () => {
        const { store } = await testbed.openStore();
        const renderProblem = () => ({
          contentType: 'text/plain',
          body: 'refused',
          headers: { 'Transfer-Encoding': 'chunked', 'Content-Length': '2' },
        });
        const options = { required: true, renderProblem };
        const { port } = await testbed.start({ store, handler: () => ({ body: 'ok' }), options });
        const refused = await send(port, {});
        expect([refused.status, refused.text, refused.headers['content-length']]).toEqual([400, 'refused', '7']);
      });
    },
    { on: 'each' },
  );
}
