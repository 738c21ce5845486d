// Requirement 1: copies of one slow request that arrive at once run once.
import { expect, it } from 'vitest';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { Options } from './frameworks.js';
import { newGate } from './gate.js';
import { type ReceivedResponse, send } from './http-client.js';
import { overrideVerbs } from './store-kinds.js';

const copies = 50;

onEveryFramework('50 concurrent duplicates of a slow request', (world) => {
  it('run once, and the others get 409 with a Retry-After of seconds, not of the whole lease', async () => {
    const { answers, runs } = await sendCopies(world, {}, (refused, running) => refused + running === copies);
    expect(runs).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const refusals = answers.filter(({ status }) => status === 409);
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
    const { answers, runs } = await sendCopies(world, options, (_refused, _running, waiting) => waiting === copies - 1);
    expect(runs).toBe(1);
    expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(Array(copies).fill('201 {"run":1}'));
    const replays = answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true');
    expect(replays).toHaveLength(copies - 1);
  });

  it('with onInProgress { waitMs }, duplicates that wait in vain get the same 409', async () => {
    const options = { onInProgress: { waitMs: 50 } };
    const { answers, runs } = await sendCopies(world, options, (refused, running) => refused + running === copies);
    expect(runs).toBe(1);
    const refusals = answers.filter(({ status }) => status === 409);
    expect(refusals).toHaveLength(copies - 1);
    expect(refusals[0]?.json()).toMatchObject({ code: 'in_progress' });
    expect(Number(refusals[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });
});

/**
 * Sends all copies at once. The handler runs until `isTime` resolves, which gets the numbers of rejected, running and
 * waiting requests.
 */
async function sendCopies(
  world: Testbed,
  options: Options,
  isTime: (refused: number, running: number, waiting: number) => boolean,
): Promise<{ answers: ReceivedResponse[]; runs: number }> {
  const gate = newGate();
  const toldToWait = new Set<string>();
  let refused = 0;
  let runs = 0;
  const look = () => {
    if (isTime(refused, runs, toldToWait.size)) gate.open();
  };
  const { store } = await world.openStore();
  const watched = overrideVerbs(store, {
    acquire: async (name, request) => {
      const answer = await store.acquire(name, request);
      if (answer.kind === 'in_progress') toldToWait.add(request.ownerToken);
      look();
      return answer;
    },
  });
  const handler = async () => {
    runs += 1;
    look();
    await gate.opened;
    return { status: 201, body: { run: runs } };
  };
  const { port } = await world.start({ store: watched, handler, options });
  const sendOne = async () => {
    const answer = await send(port, { key: 'payment-1' });
    if (answer.status === 409) refused += 1;
    look();
    return answer;
  };
  return { answers: await Promise.all(Array.from({ length: copies }, sendOne)), runs };
}
