// Requirement 1: copies of one slow request that arrive at once run once.
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Options } from '../framework.js';
import { newGate } from '../support/gate.js';
import { type ReceivedResponse, send } from '../support/http-client.js';
import { overrideVerbs } from '../support/override-verbs.js';

const copies = 50;

export function concurrentDuplicatesTests(suite: AdapterTests): void {
  suite.group(
    '50 concurrent duplicates of a slow request',
    (testbed) => {
      it('run once, and the others get 409 with a Retry-After of seconds, not of the whole lease', async () => {
        const { responses, runs } = await sendCopies(testbed, {}, (refused, running) => refused + running === copies);
        expect(runs).toBe(1);
        expect(responses.filter(({ status }) => status === 201)).toHaveLength(1);
        const refusals = responses.filter(({ status }) => status === 409);
        expect(refusals).toHaveLength(copies - 1);
        for (const refusal of refusals) {
          expect(refusal.headers['content-type']).toBe('application/problem+json');
          expect(refusal.json()).toMatchObject({ code: 'in_progress', retryable: true });
          const retryAfter = Number(refusal.headers['retry-after']);
          expect(retryAfter).toBeGreaterThanOrEqual(1);
          // Half the age of the attempt.
          expect(retryAfter).toBeLessThanOrEqual(5);
        }
      });

      it('run once, and with onInProgress { waitMs } the others get the replayed response', async () => {
        const options = { onInProgress: { waitMs: 30_000 } };
        const { responses, runs } = await sendCopies(
          testbed,
          options,
          (_refused, _running, waiting) => waiting === copies - 1,
        );
        expect(runs).toBe(1);
        expect(responses.map(({ status, text }) => `${status} ${text}`)).toEqual(Array(copies).fill('201 {"run":1}'));
        const replays = responses.filter(({ headers }) => headers['idempotent-replayed'] === 'true');
        expect(replays).toHaveLength(copies - 1);
      });

      it('with onInProgress { waitMs }, duplicates that wait in vain get the same 409', async () => {
        const options = { onInProgress: { waitMs: 50 } };
        const { responses, runs } = await sendCopies(
          testbed,
          options,
          (refused, running) => refused + running === copies,
        );
        expect(runs).toBe(1);
        const refusals = responses.filter(({ status }) => status === 409);
        expect(refusals).toHaveLength(copies - 1);
        expect(refusals[0]?.json()).toMatchObject({ code: 'in_progress' });
        expect(Number(refusals[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      });
    },
    { on: 'each' },
  );
}

/**
 * Sends all copies at once. The handler runs until `isTime` resolves, which gets the numbers of rejected, running and
 * waiting requests.
 */
async function sendCopies(
  testbed: Testbed,
  options: Options,
  isTime: (refused: number, running: number, waiting: number) => boolean,
): Promise<{ responses: ReceivedResponse[]; runs: number }> {
  const gate = newGate();
  const waitingTokens = new Set<string>();
  let refused = 0;
  let runs = 0;
  const checkTime = () => {
    if (isTime(refused, runs, waitingTokens.size)) gate.open();
  };
  const { store } = await testbed.openStore();
  const watched = overrideVerbs(store, {
    acquire: async (name, request) => {
      const reply = await store.acquire(name, request);
      if (reply.kind === 'in_progress') waitingTokens.add(request.ownerToken);
      checkTime();
      return reply;
    },
  });
  const handler = async () => {
    runs += 1;
    checkTime();
    await gate.opened;
    return { status: 201, body: { run: runs } };
  };
  const { port } = await testbed.start({ store: watched, handler, options });
  const sendOne = async () => {
    const reply = await send(port, { key: 'payment-1' });
    if (reply.status === 409) refused += 1;
    checkTime();
    return reply;
  };
  return { responses: await Promise.all(Array.from({ length: copies }, sendOne)), runs };
}
