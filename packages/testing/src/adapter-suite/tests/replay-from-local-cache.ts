// Requirement 2: a replay from the local cache, without a store call, equals the first response byte for byte.
import { randomBytes } from 'node:crypto';
import { localCache } from '@onceguard/core';
import { expect, it } from 'vitest';
import { FaultStore } from '../../fault-store.js';
import type { AdapterTests } from '../adapter-tests.js';
import type { Handler } from '../framework.js';
import { expectReplay } from '../support/expect-replay.js';
import { send } from '../support/http-client.js';

export function replayFromLocalCacheTests(suite: AdapterTests): void {
  suite.group('With a local cache', (testbed) => {
    it.each([200, 200_000])(
      'replays of %i bytes equal the first response, and only the first replay calls the store',
      async (size) => {
        const body = randomBytes(size);
        let runs = 0;
        const handler: Handler = () => {
          runs += 1;
          return { status: 201, headers: { 'content-type': 'image/png', 'x-paid': 'yes' }, body };
        };
        const store = new FaultStore((await testbed.openStore()).store);
        const { port } = await testbed.start({ store: localCache(store), handler });
        const first = await send(port, { key: 'payment-1' });
        expect(first.body.equals(body)).toBe(true);
        expectReplay(await send(port, { key: 'payment-1' }), first);
        const calls = store.calls.length;
        for (let times = 0; times < 3; times += 1) expectReplay(await send(port, { key: 'payment-1' }), first);
        expect(store.calls).toHaveLength(calls);
        const other = await send(port, { key: 'payment-1', body: { amount: 11 } });
        expect(other.json()).toMatchObject({ code: 'key_reused' });
        expect(runs).toBe(1);
      },
    );
  });
}
