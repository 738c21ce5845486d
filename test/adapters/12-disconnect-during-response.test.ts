// Requirement 12: a response whose client has disconnected costs no more than without the middleware, and none goes on
// for ever.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { MemoryStore } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { liveMemory } from '../support/live-memory.js';
import { onEveryFramework } from './framework-matrix.js';
import { type Call, type Framework, frameworks, type Reply, type RunningApp, start } from './frameworks.js';
import { begin, send } from './http-client.js';

const chunk = 65_536;
const size = 80 * chunk;
const disconnectTenths = [1, 2, 3, 4, 5, 6, 7, 8, 9];

onEveryFramework('After its client disconnects, a response', (testbed) => {
  it('that never ends: its source is destroyed, and the retry gets 410', async () => {
    let runs = 0;
    const source = Readable.from(endless());
    const ended = once(source, 'close');
    const { port } = await testbed.start({
      store: (await testbed.openStore()).store,
      options: { onInProgress: { waitMs: 30_000 } },
      handler: (call) => {
        runs += 1;
        return streamResponse(testbed.framework, call, source);
      },
    });
    await readAndDisconnect(port, 3 * chunk, 'k');
    await ended;
    const retry = await send(port, { key: 'k' });
    expect(retry.status).toBe(410);
    expect(retry.json()).toMatchObject({ code: 'expired', completed: true, originalStatus: 200 });
    expect(runs).toBe(1);
  });

  it('within maxOutcomeBytes: it is recorded to its end, and replayed', async () => {
    let runs = 0;
    const { port } = await testbed.start({
      store: (await testbed.openStore()).store,
      options: { onInProgress: { waitMs: 30_000 }, maxOutcomeBytes: size },
      handler: ({ res, ...call }) => {
        runs += 1;
        // Koa's default status is 404.
        res.statusCode = 200;
        res.flushHeaders();
        return streamResponse(testbed.framework, { res, ...call }, Readable.from(chunks(size)));
      },
    });
    await readAndDisconnect(port, 3 * chunk, 'k');
    const retry = await send(port, { key: 'k' });
    expect([retry.status, retry.body.byteLength, retry.headers['idempotent-replayed']]).toEqual([200, size, 'true']);
    expect(runs).toBe(1);
  });
});

onEveryFramework('An endless response whose attempt loses its lease', (testbed) => {
  it('is cut although its client keeps reading, and its source is destroyed', async () => {
    const source = Readable.from(endless());
    const ended = once(source, 'close');
    const { port } = await testbed.start({
      store: (await testbed.openStore()).store,
      options: { leaseMs: 1_000, maxExecutionMs: 1_000 },
      handler: (call) => streamResponse(testbed.framework, call, source),
    });
    const outgoing = begin(port, { key: 'k' });
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const failure = once(incoming, 'error');
    incoming.resume();
    await ended;
    await failure;
    expect(incoming.complete).toBe(false);
  });
});

describe.each(frameworks)('A client that disconnects at every tenth of a large response ($name)', (framework) => {
  it.each([chunk, 1_024])(
    'in pieces of %i bytes costs at most one and a half times the memory and the delay that it costs without the middleware',
    async (piece) => {
      const store = new MemoryStore();
      const spec = {
        store,
        handler: (call: Call) => streamResponse(framework, call, Readable.from(chunks(size, piece))),
      };
      const [bare, guarded] = [await start(framework, { ...spec, plain: true }), await start(framework, spec)];
      await costOf(bare, 'a first time');
      await costOf(guarded, 'a first time');
      const ratios = { memory: Number.POSITIVE_INFINITY, delay: Number.POSITIVE_INFINITY };
      // Other load on the machine disturbs some rounds; a cost of the middleware shows in every round.
      for (let round = 1; round <= 8 && (ratios.memory > 1.5 || ratios.delay > 1.5); round += 1) {
        const [plain, with_] = [await costOf(bare, `${round}`), await costOf(guarded, `${round}`)];
        ratios.memory = Math.min(ratios.memory, with_.memory / plain.memory);
        ratios.delay = Math.min(ratios.delay, with_.delay / plain.delay);
      }
      await bare.close();
      await guarded.close();
      await store.close();
      expect(ratios.memory).toBeLessThan(1.5);
      expect(ratios.delay).toBeLessThan(1.5);
    },
    // Up to eight rounds, on a machine that may be busy.
    240_000,
  );
});

/** The peak of memory in use, and the mean delay of the event loop, while clients disconnect one after the other. */
async function costOf(app: RunningApp, round: string): Promise<{ memory: number; delay: number }> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  let memory = 0;
  delays.enable();
  for (const tenth of disconnectTenths) {
    await readAndDisconnect(app.port, (size * tenth) / 10, `${round}, ${tenth}`);
    delays.disable();
    memory = Math.max(memory, liveMemory());
    delays.enable();
    // Its cleanup happens in the next iterations of the event loop.
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  }
  delays.disable();
  return { memory, delay: delays.mean };
}

/** Resolves when the server has seen that its client has disconnected. */
async function readAndDisconnect(port: number, bytes: number, key: string): Promise<void> {
  const outgoing = begin(port, { key });
  outgoing.on('error', () => {});
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let received = 0;
  for await (const part of incoming) {
    received += (part as Buffer).byteLength;
    if (received >= bytes) break;
  }
  outgoing.destroy();
}

/** Sends a stream in the framework's usual way. */
function streamResponse({ family }: Framework, { res }: Pick<Call, 'res'>, source: Readable): Reply {
  // Koa reports a stream that it destroys itself.
  source.on('error', () => {});
  if (family === 'koa') return { body: source };
  source.pipe(res);
  return 'raw';
}

function* chunks(bytes: number, piece: number = chunk): Generator<Buffer> {
  for (let made = 0; made < bytes; made += piece) yield Buffer.alloc(piece, 'x');
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(chunk, 'x');
}
