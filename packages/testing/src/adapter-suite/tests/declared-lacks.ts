// What a registration says that its framework lacks is lacking: a declaration must not hide a defect of the adapter.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { type AdapterTests, canDo, type Testbed } from '../adapter-tests.js';
import type { Capability } from '../capabilities.js';
import { endAndRetry, inFirstAttempt } from '../support/end-and-retry.js';
import { newGate } from '../support/gate.js';
import { begin, type ReceivedResponse, send } from '../support/http-client.js';

/** Shows that a framework lacks a capability. `given`: what else it must be able to do for that. */
interface Proof {
  readonly given?: readonly Capability[];
  readonly overHttp1?: true;
  show(testbed: Testbed): Promise<void>;
}

const proofs: Readonly<Partial<Record<Capability, Proof>>> = {
  reasonPhrases: {
    given: ['raw'],
    overHttp1: true,
    show: async (testbed) => {
      const { reason } = await replayOf(testbed, (res) => res.writeHead(201, 'Paid In Full').end('paid'));
      expect(reason).not.toBe('Paid In Full');
    },
  },
  emptyReasonPhrases: {
    given: ['raw'],
    overHttp1: true,
    show: async (testbed) => {
      const { reason } = await replayOf(testbed, (res) => res.writeHead(201, '').end('paid'));
      expect(reason).not.toBe('');
    },
  },
  trailers: {
    given: ['raw'],
    show: async (testbed) => {
      const { rawTrailers } = await replayOf(testbed, (res) => {
        res.write('paid');
        res.addTrailers({ 'X-Sum': '1' });
        res.end();
      });
      expect(rawTrailers).toEqual([]);
    },
  },
  trailersWithoutBody: {
    given: ['raw', 'trailers'],
    show: async (testbed) => {
      const { rawTrailers } = await replayOf(testbed, (res) => {
        res.write('');
        res.addTrailers({ 'X-Sum': '0' });
        res.end();
      });
      expect(rawTrailers).toEqual([]);
    },
  },
  headerLines: {
    overHttp1: true,
    show: async (testbed) => {
      const { port } = await testbed.start({
        store: (await testbed.openStore()).store,
        handler: () => ({ status: 201 }),
      });
      expect((await send(port, { headers: { 'idempotency-key': ['"a', 'b"'] } })).status).toBe(201);
    },
  },
  streaming: {
    show: async (testbed) => {
      const source = new PassThrough();
      const begun = newGate();
      const { port } = await testbed.start({
        store: (await testbed.openStore()).store,
        handler: () => {
          source.write('data: one\n\n');
          begun.open();
          return { headers: { 'Content-Type': 'text/event-stream' }, body: source };
        },
      });
      const response = once(begin(port, { key: 'k' }), 'response');
      const first = await Promise.race([response.then(() => 'the response'), begun.opened.then(aWhile)]);
      source.end();
      await response;
      expect(first).toBe('nothing');
    },
  },
  unparsedBodies: {
    show: async (testbed) => {
      const { store } = await testbed.openStore();
      const { port } = await testbed.start({ store, parser: 'none', handler: () => ({ status: 201 }) });
      expect((await send(port, { key: 'k' })).status).toBe(201);
      expect((await send(port, { key: 'k', body: { amount: 11 } })).status).toBe(422);
    },
  },
  routedLayers: {
    given: ['innerLayers'],
    show: async (testbed) => {
      const inner = [inFirstAttempt(testbed, { status: 404, body: 'No such payment.' })];
      const { first, attempts } = await endAndRetry(testbed, () => ({}), {}, { inner });
      expect([first?.status, attempts]).toEqual([404, [2]]);
    },
  },
  handlerEnd: {
    given: ['timeouts'],
    // The tests of time-out layers show that none keeps its key.
    show: async ({ framework }) => {
      expect(Object.values(framework.timeouts ?? {}).filter(({ keepsKey }) => keepsKey)).toEqual([]);
    },
  },
};

export function declaredLacksTests(suite: AdapterTests): void {
  const { framework } = suite;
  const shown = Object.entries(proofs).filter(
    ([capability, { given = [], overHttp1 }]) =>
      !canDo(framework, [capability as Capability]) &&
      canDo(framework, given) &&
      (framework.transport === 'HTTP/1' || !overHttp1),
  );
  if (shown.length === 0) return;
  suite.group('As declared,', (testbed) => {
    it.each(shown)('%s is lacking', async (_capability, { show }) => await show(testbed));
  });
}

/** Resolves long after a response that leaves while its handler writes would have come over the loopback. */
async function aWhile(): Promise<'nothing'> {
  for (let turns = 0; turns < 500; turns += 1) await new Promise(setImmediate);
  return 'nothing';
}

/** The replay of a response that is written to the response of node:http. */
async function replayOf(testbed: Testbed, write: (res: ServerResponse) => void): Promise<ReceivedResponse> {
  const { store } = await testbed.openStore();
  const { port } = await testbed.start({
    store,
    handler: ({ res }) => {
      write(res);
      return 'raw';
    },
  });
  await send(port, { key: 'k' });
  const replay = await send(port, { key: 'k' });
  expect(replay.headers['idempotent-replayed']).toBe('true');
  return replay;
}
