// Must hold, 6: an owner that has lost its lease changes nothing, and its caller gets what stands there now.
import { type IdempotencyStore, LeaseLostError } from '@onceguard/core';
import { expect, it } from 'vitest';
import { untilAborted } from '../support/aborted.js';
import { type First, loseLease, takeOver } from './06-overtaking.js';
import { type Received, send } from './client.js';
import type { Handler, Options, Reply } from './frameworks.js';
import { newGate } from './gate.js';
import { onEveryFramework, type World } from './matrix.js';
import { withVerbs } from './stores.js';

interface Row {
  /** Brings about what stands under the key when the first owner answers. */
  arrange(world: World, first: First): Promise<void>;
  readonly status: number;
  /** Members of the problem document, or of the replayed answer. */
  readonly body: object;
  readonly headers?: object;
}

const retryAtOnce = { status: 409, body: { code: 'in_progress', retryAfterMs: 0 }, headers: { 'retry-after': '1' } };
type Given = Exclude<Reply, string>;

const forAnother: Given = { status: 202, body: { paidBy: 'the second' } };
const failure: Given = { status: 503, body: 'It failed.' };

const rows: Record<string, Row> = {
  'completed: that answer, replayed': {
    arrange: async (world, first) => await anotherEnds(world, first, forAnother),
    status: 202,
    body: { paidBy: 'the second' },
    headers: { 'idempotent-replayed': 'true' },
  },
  'completed and no longer kept: 410': {
    arrange: async (world, first) => await anotherEnds(world, first, forAnother, { maxResponseBytes: 1 }),
    status: 410,
    body: { code: 'response_expired', completed: true, originalStatus: 202 },
  },
  'in progress at another owner: 409 with Retry-After': {
    arrange: async (world, first) => {
      const { began, told } = await takeOver(world, first, { reply: () => newGate().opened.then(() => forAnother) });
      told.catch(() => {});
      await began;
    },
    status: 409,
    body: { code: 'in_progress', retryable: true },
    headers: { 'retry-after': expect.stringMatching(/^[1-9]/) },
  },
  'released by another owner, so that the next may run: 409, to be retried at once': {
    arrange: async (world, first) => await anotherEnds(world, first, failure),
    ...retryAtOnce,
  },
  'removed by an operator: 409, to be retried at once': {
    arrange: async (_world, { store, name }) => void (await store.remove(name)),
    ...retryAtOnce,
  },
  'unknown: 409 outcome_unknown': {
    arrange: async (world, first) => await anotherEnds(world, first, failure, { onFailure: 'unknown' }),
    status: 409,
    body: { code: 'outcome_unknown', retryable: false, completed: 'unknown' },
  },
  'of another payload: 422': {
    arrange: async (world, first) => {
      await first.store.remove(first.name);
      const { told } = await takeOver(world, first, { reply: () => forAnother, sent: { body: { amount: 11 } } });
      expect((await told).status).toBe(202);
    },
    status: 422,
    body: { code: 'key_reused' },
  },
};

onEveryFramework(
  'A handler that loses its lease all the same',
  (world) => {
    it.each(Object.keys(rows))('changes nothing, and its caller gets what stands there now. %s', async (title) => {
      const row = rows[title];
      if (row === undefined) throw new Error(title);
      const first = await loseLease(world);
      expect(first.reason).toBeInstanceOf(LeaseLostError);
      await row.arrange(world, first);
      const answer = await expectNoChange(first);
      expect(answer).toMatchObject({ status: row.status, headers: row.headers ?? {} });
      expect(answer.json()).toMatchObject(row.body);
    });

    it('and waits where duplicates wait, gets the answer that comes', async () => {
      const first = await loseLease(world, { options: { onInProgress: { waitMs: 30_000 } } });
      const gate = newGate();
      const second = await takeOver(world, first, { reply: () => gate.opened.then(() => forAnother) });
      await second.began;
      first.finish();
      gate.open();
      const answer = await first.told;
      expect(answer).toMatchObject({ status: 202, headers: { 'idempotent-replayed': 'true' } });
      expect(answer.text).toBe((await second.told).text);
    });

    it('and then fails, does not free the key that another has, and its caller gets the answer of the other', async () => {
      const first = await loseLease(world, { reply: () => failure });
      await anotherEnds(world, first, forAnother);
      expect(await expectNoChange(first)).toMatchObject({ status: 202, headers: { 'idempotent-replayed': 'true' } });
    });

    it('and then fails, leaves the key to the next, which runs as attempt 2', async () => {
      const first = await loseLease(world, { reply: () => failure });
      expect((await expectNoChange(first)).json()).toMatchObject({ status: 409, code: 'in_progress' });
      await anotherEnds(world, first, forAnother);
      expect((await first.store.read(first.name)).record).toMatchObject({ attempt: 2, takeover: true });
    });

    it('with its answer half sent, is cut off, so that the client does not take it for the whole', async () => {
      const first = await loseLease(world, {
        begin: ({ res }) => {
          res.writeHead(200);
          res.flushHeaders();
          res.write('{"paidBy":');
          return 'raw';
        },
        reply: ({ res }) => {
          res.end('"the first"}');
          return 'raw';
        },
      });
      await anotherEnds(world, first, forAnother);
      first.finish();
      await expect(first.told).rejects.toThrow();
    });

    it('but that nobody has overtaken, completes', async () => {
      const first = await loseLease(world);
      first.finish();
      const answer = await first.told;
      expect(answer).toMatchObject({ status: 201, text: '{"paidBy":"the first"}' });
      const { told } = await takeOver(world, first, { reply: () => forAnother });
      expect(await told).toMatchObject({ text: answer.text, headers: { 'idempotent-replayed': 'true' } });
    });

    it('learns it from the store at its next renewal', async () => {
      const { store } = await world.openStore();
      const began = newGate();
      let name = '';
      let reason: unknown;
      const handler: Handler = async ({ context }) => {
        began.open();
        if (context !== undefined) await untilAborted(context.signal);
        reason = context?.signal.reason;
        return forAnother;
      };
      const acquire: IdempotencyStore['acquire'] = async (record, request) => {
        name = record;
        return await store.acquire(record, request);
      };
      const { port } = await world.start({
        store: withVerbs(store, { acquire }),
        options: { leaseMs: 1_500 },
        handler,
      });
      const told = send(port, { key: 'payment-1' });
      await began.opened;
      await store.remove(name);
      expect(await told).toMatchObject({ status: 409 });
      expect(String(reason)).toContain('another owner has taken over');
    });
  },
  { store: 'Redis' },
);

async function anotherEnds(world: World, first: First, reply: Given, options: Options = {}): Promise<void> {
  const { told } = await takeOver(world, first, { reply: () => reply, options });
  expect((await told).status).toBe(reply.status);
}

async function expectNoChange({ store, name, finish, told }: First): Promise<Received> {
  const { record } = await store.read(name);
  finish();
  const answer = await told;
  expect((await store.read(name)).record).toEqual(record);
  return answer;
}
