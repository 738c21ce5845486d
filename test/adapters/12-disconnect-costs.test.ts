// Requirement 12: a response whose client has disconnected costs no more than without the middleware.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { MemoryStore } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { type RunningApp, start } from '../../packages/testing/src/adapter-suite/app-server.js';
import { begin } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { liveMemory } from '../../packages/testing/src/adapter-suite/support/live-memory.js';
import { isRepresentative } from './frameworks.js';
import { frameworks as loaded } from './loaded-frameworks.js';

const frameworks = loaded.filter(isRepresentative);

const piece = 16_384;
/** Several times what the sockets of a connection hold. */
const size = 1280 * piece;
const disconnectTenths = [1, 5, 9];

describe.each(frameworks)('A client that disconnects in a response too large to be recorded ($name)', (framework) => {
  it('costs about as much as without the middleware: in memory, in pieces of the body, and in pieces in one iteration of the event loop', async () => {
    const store = new MemoryStore();
    const source = new CountedSource();
    const spec = { store, handler: () => ({ body: source.open() }) };
    const [bare, guarded] = [await start(framework, { ...spec, plain: true }), await start(framework, spec)];
    await warmUp(bare, source);
    await warmUp(guarded, source);
    let costs: [plain: Cost, withMiddleware: Cost] | undefined;
    // Other load on the machine disturbs some rounds; a cost of the middleware shows in every round.
    for (let round = 1; round <= 8 && (costs === undefined || !isCheap(...costs)); round += 1)
      costs = [await costOf(bare, source, `${round}`), await costOf(guarded, source, `${round}`)];
    await bare.close();
    await guarded.close();
    await store.close();
    expect(costs).toSatisfy(([plain, withMiddleware]) => isCheap(plain, withMiddleware));
  });
});

/** The peaks while clients disconnect one after the other: early, in the middle, late. */
interface Cost {
  readonly memory: number;
  /** Made for the client that disconnects early. */
  readonly pieces: number;
  readonly piecesInOneIteration: number;
}

/** Streams of the platform take a few pieces ahead. */
function isCheap(plain: Cost, withMiddleware: Cost): boolean {
  return (
    withMiddleware.memory - plain.memory < size / 4 &&
    withMiddleware.pieces <= 2 * plain.pieces &&
    withMiddleware.piecesInOneIteration <= 2 * plain.piecesInOneIteration
  );
}

/** What the first requests load and compile is no cost of a disconnect. To measure the memory takes longest, so it is left out. */
async function warmUp(app: RunningApp, source: CountedSource): Promise<void> {
  for (const tenth of disconnectTenths) {
    await readAndDisconnect(app.port, (size * tenth) / 10, `first-${tenth}`);
    await untilIdle(source);
  }
}

async function costOf(app: RunningApp, source: CountedSource, round: string): Promise<Cost> {
  let memory = 0;
  let pieces = 0;
  source.mostInOneIteration = 0;
  for (const tenth of disconnectTenths) {
    source.made = 0;
    await readAndDisconnect(app.port, (size * tenth) / 10, `${round}-${tenth}`);
    memory = Math.max(memory, liveMemory());
    await untilIdle(source);
    pieces ||= source.made;
  }
  return { memory, pieces, piecesInOneIteration: source.mostInOneIteration };
}

/** Resolves when the handler has ended, or waits for a client that has gone. */
async function untilIdle(source: CountedSource): Promise<void> {
  for (let made = -1; made < source.made; ) {
    made = source.made;
    for (let iterations = 0; iterations < 20; iterations += 1) await new Promise(setImmediate);
  }
}

/** Resolves when the client has disconnected. */
async function readAndDisconnect(port: number, bytes: number, key: string): Promise<void> {
  const outgoing = begin(port, { key });
  outgoing.on('error', () => {});
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(incoming.statusCode).toBe(200);
  let received = 0;
  for await (const part of incoming) {
    received += (part as Buffer).byteLength;
    if (received >= bytes) break;
  }
  expect(received).toBeGreaterThanOrEqual(bytes);
  outgoing.destroy();
}

/** Bodies in pieces, and how many pieces were taken of them. */
class CountedSource {
  made = 0;
  mostInOneIteration = 0;
  #inThisIteration = 0;

  /** Some frameworks report an error of a stream that they destroy. */
  open(): Readable {
    return Readable.from(this.#pieces()).on('error', () => {});
  }

  *#pieces(): Generator<Buffer> {
    for (let bytes = 0; bytes < size; bytes += piece) {
      this.#count();
      yield Buffer.alloc(piece, 'x');
    }
  }

  #count(): void {
    if (this.#inThisIteration === 0) {
      setImmediate(() => {
        this.#inThisIteration = 0;
      });
    }
    this.made += 1;
    this.#inThisIteration += 1;
    this.mostInOneIteration = Math.max(this.mostInOneIteration, this.#inThisIteration);
  }
}
