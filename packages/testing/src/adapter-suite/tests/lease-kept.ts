// Requirement 6: a handler that works longer than its lease keeps it.
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { newGate } from '../support/gate.js';
import { send } from '../support/http-client.js';
import { overrideVerbs } from '../support/override-verbs.js';

export function leaseKeptTests(suite: AdapterTests): void {
  suite.group(
    'A handler that works longer than its lease',
    (testbed) => {
      it('keeps it: duplicates are rejected, it runs once, and its response is recorded', async () => {
        const { store } = await testbed.openStore();
        const outlived = newGate();
        const gate = newGate();
        let firstEndAt = 0;
        let runs = 0;
        const watched = overrideVerbs(store, {
          acquire: async (name, request) => {
            const reply = await store.acquire(name, request);
            if (reply.kind === 'acquired') firstEndAt = reply.leaseEndAt;
            return reply;
          },
          renew: async (lease, leaseMs) => {
            const reply = await store.renew(lease, leaseMs);
            if (reply.kind === 'ok' && reply.now >= firstEndAt) outlived.open();
            return reply;
          },
        });
        const { port } = await testbed.start({
          store: watched,
          options: { leaseMs: 4_500 },
          handler: async ({ context }) => {
            runs += 1;
            await gate.opened;
            return { status: 201, body: { run: runs, aborted: context?.signal.aborted } };
          },
        });

        const pending = send(port, { key: 'payment-1' });
        await outlived.opened;
        const duplicate = await send(port, { key: 'payment-1' });
        gate.open();
        const response = await pending;
        const replay = await send(port, { key: 'payment-1' });

        expect(duplicate.json()).toMatchObject({ status: 409, code: 'in_progress' });
        expect(response).toMatchObject({ status: 201, text: '{"run":1,"aborted":false}' });
        expect(response.headers['idempotency-recorded']).toBeUndefined();
        expect(replay).toMatchObject({ status: 201, text: response.text, headers: { 'idempotent-replayed': 'true' } });
        expect(runs).toBe(1);
      });
    },
    { on: 'last' },
  );
}
