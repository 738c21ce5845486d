// Requirement 12: a response that is too large to record is streamed, and a retry learns that the work is done.
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import { begin, send } from '../support/http-client.js';
import { liveMemory } from '../support/live-memory.js';

const megabyte = 2 ** 20;
const size = 50 * megabyte;
/** When so much is produced, an adapter that keeps all of it has clearly more than it may. Each measurement collects garbage, which takes long. */
const measuredAt = 40 * megabyte;
const mostAdded = 32 * megabyte;

export function largeResponsesTests(suite: AdapterTests): void {
  suite.group('Over maxOutcomeBytes a 50 MB stream', largeStreamTests, { needs: ['streaming'] });

  suite.group('A response that is sent at once', (testbed) => {
    it.each([
      ['of maxOutcomeBytes is kept', 1_000, [200, 'true']],
      ['of a byte more is sent whole, and its retry gets 410', 1_001, [410, undefined]],
    ])('%s', async (_, length, then) => {
      let runs = 0;
      const { port } = await testbed.start({
        store: (await testbed.openStore()).store,
        options: { maxOutcomeBytes: 1_000 },
        handler: () => {
          runs += 1;
          return { body: 'x'.repeat(length) };
        },
      });
      const first = await send(port, { key: 'k' });
      expect([first.status, first.text]).toEqual([200, 'x'.repeat(length)]);
      const retry = await send(port, { key: 'k' });
      expect([retry.status, retry.headers['idempotent-replayed']]).toEqual(then);
      expect(runs).toBe(1);
    });
  });
}

function largeStreamTests(testbed: Testbed): void {
  it.each([
    ['to a client that reads', readAll],
    ['to a client that left', disconnectMidway],
  ])('is streamed with less than 32 MB of added memory %s; its retry gets 410 and does not run', async (_, receive) => {
    let runs = 0;
    let most = Number.NEGATIVE_INFINITY;
    const { port } = await testbed.start({
      store: (await testbed.openStore()).store,
      options: { onInProgress: { waitMs: 30_000 } },
      handler: () => {
        runs += 1;
        const before = liveMemory();
        const measure = (produced: number) => {
          if (produced >= measuredAt) most = Math.max(most, liveMemory() - before);
        };
        return { body: chunks(measure) };
      },
    });
    await receive(begin(port, { key: 'k' }));

    const retry = await send(port, { key: 'k' });
    expect(retry.status).toBe(410);
    expect(retry.json()).toMatchObject({ code: 'expired', completed: true, originalStatus: 200 });
    expect(runs).toBe(1);
    expect(most).toBeLessThan(mostAdded);
  });

  it('is produced no faster than the client reads', async () => {
    let produced = 0;
    const { port } = await testbed.start({
      store: (await testbed.openStore()).store,
      handler: () => ({ body: chunks((soFar) => (produced = soFar)) }),
    });
    const [incoming] = (await once(begin(port, { key: 'k' }), 'response')) as [IncomingMessage];
    expect(await untilStable(() => produced)).toBeLessThan(mostAdded);
    expect(await bytesOf(incoming)).toBe(size);
  });
}

/** Fresh bytes; reports the bytes produced every 10 MB. */
function chunks(report: (produced: number) => void): Readable {
  return Readable.from(
    (function* () {
      for (let produced = 0; produced < size; produced += 65_536) {
        if (produced % (10 * megabyte) === 0) report(produced);
        yield Buffer.alloc(65_536, 'x');
      }
    })(),
  );
}

async function readAll(outgoing: ClientRequest): Promise<void> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(await bytesOf(incoming)).toBe(size);
}

async function disconnectMidway(outgoing: ClientRequest): Promise<void> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  await once(incoming, 'data');
  incoming.destroy();
}

async function bytesOf(incoming: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of incoming) bytes += (chunk as Buffer).byteLength;
  return bytes;
}

/** Resolves with the value once it has not changed for many iterations of the event loop. */
async function untilStable(value: () => number): Promise<number> {
  let last = value();
  for (let turns = 0; turns < 200; turns += 1) {
    await new Promise(setImmediate);
    if (value() !== last) turns = 0;
    last = value();
  }
  return last;
}
