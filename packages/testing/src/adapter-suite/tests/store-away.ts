// Requirement 10: without its store nothing runs unless the options allow it; where it is lost later, the client gets its response.
import { Readable } from 'node:stream';
import { drainStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import { FaultStore, failsBefore, hangs } from '../../fault-store.js';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Options } from '../framework.js';
import { send } from '../support/http-client.js';
import { nextEvent } from '../support/next-event.js';

export function storeAwayTests(suite: AdapterTests): void {
  suite.group('With the store away when a request arrives,', (testbed) => {
    it.each([
      ['failing', failsBefore()],
      ['silent', hangs],
    ])('%s: 503 store_unavailable with Retry-After, nothing executed; later the retry runs once', async (_, rule) => {
      const { store, port, runs } = await startCounting(testbed);
      store.injectFault('acquire', rule);
      for (const refusal of await Promise.all(['a', 'a', 'b'].map((key) => send(port, { key })))) {
        expect(refusal.status).toBe(503);
        expect(refusal.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' });
        expect(refusal.json()).toMatchObject({ code: 'store_unavailable', retryable: true });
      }
      expect(runs()).toBe(0);

      store.clearFaults();
      await drainStore(store);
      expect(await send(port, { key: 'a' })).toMatchObject({ status: 201, text: '{"run":1}' });
    });

    it('a request without a key is served as usual', async () => {
      const { store, port } = await startCounting(testbed);
      store.injectFault('acquire', failsBefore());
      expect(await send(port)).toMatchObject({ status: 201, text: '{"run":1}' });
    });

    it('"bypass" runs, emits an event, and marks the response as not recorded', async () => {
      const { store, port } = await startCounting(testbed, { onStoreUnavailable: 'bypass' });
      store.injectFault('acquire', failsBefore());
      const bypassed = nextEvent('bypassed');
      const received = await send(port, { key: 'k' });
      expect([received.status, received.text]).toEqual([201, '{"run":1}']);
      expect(received.headers['idempotency-recorded']).toBe('false');
      expect(await bypassed).toMatchObject({ error: { code: 'store_unavailable' } });
    });
  });

  suite.group('With the store lost while the handler runs,', (testbed) => {
    it('the client gets the real response marked unrecorded; when the store is back, the record is there', async () => {
      const { store, port, runs } = await startCounting(testbed);
      store.injectFault('complete', failsBefore());
      const first = await send(port, { key: 'k' });
      expect([first.status, first.text, first.headers['idempotency-recorded']]).toEqual([201, '{"run":1}', 'false']);

      store.clearFaults();
      expect(await drainStore(store)).toBe(true);
      const replay = await send(port, { key: 'k' });
      expect([replay.status, replay.text, replay.headers['idempotent-replayed']]).toEqual([201, '{"run":1}', 'true']);
      expect([replay.headers['idempotency-recorded'], runs()]).toEqual([undefined, 1]);
    });

    it.runIf(testbed.has('streaming'))(
      'the end of a streamed response, whose headers can no longer be marked, is withheld; the retry gets it',
      async () => {
        const store = await openFaultStore(testbed);
        let runs = 0;
        const handler: Handler = () => {
          runs += 1;
          return { headers: { 'Content-Type': 'text/event-stream' }, body: Readable.from(['one', ' two']) };
        };
        const { port } = await testbed.start({ store, handler });
        store.injectFault('complete', failsBefore());
        await expect(send(port, { key: 'k' })).rejects.toThrow(/aborted|INTERNAL_ERROR/);

        store.clearFaults();
        expect(await drainStore(store)).toBe(true);
        const replay = await send(port, { key: 'k' });
        expect([replay.text, replay.headers['idempotent-replayed'], runs]).toEqual(['one two', 'true', 1]);
      },
    );

    it('a failure frees its key when the store is back', async () => {
      const store = await openFaultStore(testbed);
      const handler: Handler = ({ context }) => ({
        status: context?.attempt === 1 ? 500 : 201,
        body: { attempt: context?.attempt },
      });
      const { port } = await testbed.start({ store, handler });
      store.injectFault('release', failsBefore());
      const failure = await send(port, { key: 'k' });
      expect([failure.status, failure.headers['idempotency-recorded']]).toEqual([500, undefined]);

      store.clearFaults();
      expect(await drainStore(store)).toBe(true);
      expect(await send(port, { key: 'k' })).toMatchObject({ status: 201, text: '{"attempt":2}' });
    });
  });
}

/** Its callers wait for a short time only. */
async function openFaultStore(testbed: Testbed): Promise<FaultStore> {
  return new FaultStore((await testbed.openStore()).store, 500);
}

async function startCounting(testbed: Testbed, options: Options = {}) {
  const store = await openFaultStore(testbed);
  let runs = 0;
  const handler: Handler = () => ({ status: 201, body: { run: ++runs } });
  const { port } = await testbed.start({ store, handler, options });
  return { store, port, runs: () => runs };
}
