// Requirement 6: a handler that works longer than its lease keeps it.
import { expect, it } from 'vitest';
import { onEveryFramework } from './framework-matrix.js';
import { newGate } from './gate.js';
import { send } from './http-client.js';
import { overrideVerbs } from './store-kinds.js';

onEveryFramework(
  'A handler that works longer than its lease',
  (world) => {
    it('keeps it: duplicates are rejected, it runs once, and its response is recorded', async () => {
      const { store } = await world.openStore();
      const outlived = newGate();
      const gate = newGate();
      let firstEndAt = 0;
      let runs = 0;
      const watched = overrideVerbs(store, {
        acquire: async (name, request) => {
          const answer = await store.acquire(name, request);
          if (answer.kind === 'acquired') firstEndAt = answer.leaseEndAt;
          return answer;
        },
        renew: async (lease, leaseMs) => {
          const answer = await store.renew(lease, leaseMs);
          if (answer.kind === 'ok' && answer.now >= firstEndAt) outlived.open();
          return answer;
        },
      });
      const { port } = await world.start({
        store: watched,
        options: { leaseMs: 900 },
        handler: async ({ context }) => {
          runs += 1;
          await gate.opened;
          return { status: 201, body: { run: runs, aborted: context?.signal.aborted } };
        },
      });

      const told = send(port, { key: 'payment-1' });
      await outlived.opened;
      const duplicate = await send(port, { key: 'payment-1' });
      gate.open();
      const answer = await told;
      const replay = await send(port, { key: 'payment-1' });

      expect(duplicate.json()).toMatchObject({ status: 409, code: 'in_progress' });
      expect(answer).toMatchObject({ status: 201, text: '{"run":1,"aborted":false}' });
      expect(answer.headers['idempotency-recorded']).toBeUndefined();
      expect(replay).toMatchObject({ status: 201, text: answer.text, headers: { 'idempotent-replayed': 'true' } });
      expect(runs).toBe(1);
    });
  },
  { store: 'Redis' },
);
