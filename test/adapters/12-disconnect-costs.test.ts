// Requirement 12: a response whose client has disconnected costs no more than without the middleware.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { MemoryStore } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { type RunningApp, start } from '../../packages/testing/src/adapter-suite/app-server.js';
import { begin } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { liveMemory } from '../../packages/testing/src/adapter-suite/support/live-memory.js';
import { isRepresentative } from './frameworks.js';
import { frameworks as loaded } from './loaded-frameworks.js';

const frameworks = loaded.filter(isRepresentative);

const chunk = 65_536;
const size = 80 * chunk;
const disconnectTenths = [1, 5, 9];

describe.each(frameworks)(
  'A client that disconnects in a large response: early, in its middle, late ($name)',
  (framework) => {
    it.each([chunk, 1_024])(
      'in pieces of %i bytes costs at most one and a half times the memory and the delay that it costs without the middleware',
      async (piece) => {
        const store = new MemoryStore();
        const spec = { store, handler: () => ({ body: streamOf(chunks(size, piece)) }) };
        const [bare, guarded] = [await start(framework, { ...spec, plain: true }), await start(framework, spec)];
        await disconnectAtEach(bare, 'a first time');
        await disconnectAtEach(guarded, 'a first time');
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
  },
);

/** The peak of memory in use, and the mean delay of the event loop, while clients disconnect one after the other. */
async function costOf(app: RunningApp, round: string): Promise<{ memory: number; delay: number }> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  let memory = 0;
  delays.enable();
  await disconnectAtEach(app, round, () => {
    delays.disable();
    memory = Math.max(memory, liveMemory());
    delays.enable();
  });
  delays.disable();
  return { memory, delay: delays.mean };
}

async function disconnectAtEach(app: RunningApp, round: string, onDisconnected = () => {}): Promise<void> {
  for (const tenth of disconnectTenths) {
    await readAndDisconnect(app.port, (size * tenth) / 10, `${round}, ${tenth}`);
    onDisconnected();
    // Its cleanup happens in the next iterations of the event loop.
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  }
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

/** Some frameworks report an error of a stream that they destroy. */
function streamOf(pieces: Iterable<Buffer>): Readable {
  return Readable.from(pieces).on('error', () => {});
}

function* chunks(bytes: number, piece: number = chunk): Generator<Buffer> {
  for (let made = 0; made < bytes; made += piece) yield Buffer.alloc(piece, 'x');
}
