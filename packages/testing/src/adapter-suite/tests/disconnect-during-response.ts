// Requirement 12: a response whose client has disconnected is recorded to its end, and none goes on for ever.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { Call, Reply } from '../framework.js';
import { begin, send } from '../support/http-client.js';

const chunk = 65_536;
const size = 80 * chunk;

type Respond = (call: Call, source: Readable) => Reply;

/** Ways to send a response before it has ended. */
const ownWays: Record<string, Respond> = {
  'an event stream': (_call, source) => ({ headers: { 'Content-Type': 'text/event-stream' }, body: source }),
};
const rawWays: Record<string, Respond> = {
  'whose head was flushed': ({ res }, source) => {
    // Koa's default status is 404.
    res.statusCode = 200;
    res.flushHeaders();
    source.pipe(res);
    return 'raw';
  },
};

export function disconnectDuringResponseTests(suite: AdapterTests): void {
  suite.group('After its client disconnects, a response', (testbed) => {
    it.runIf(testbed.has('streaming'))('that never ends: its source is destroyed, and the retry gets 410', async () => {
      let runs = 0;
      const source = streamOf(endless());
      const ended = closeOf(source);
      const { port } = await testbed.start({
        store: (await testbed.openStore()).store,
        options: { onInProgress: { waitMs: 30_000 } },
        handler: () => {
          runs += 1;
          return { body: source };
        },
      });
      await readAndDisconnect(port, 3 * chunk, 'k');
      await ended;
      const retry = await send(port, { key: 'k' });
      expect(retry.status).toBe(410);
      expect(retry.json()).toMatchObject({ code: 'expired', completed: true, originalStatus: 200 });
      expect(runs).toBe(1);
    });

    const flowing = testbed.has('raw') ? { ...rawWays, ...ownWays } : ownWays;
    it.each(Object.entries(flowing))(
      '%s, within maxOutcomeBytes: it is recorded to its end, and replayed',
      async (_title, respond) => {
        let runs = 0;
        const { port } = await testbed.start({
          store: (await testbed.openStore()).store,
          options: { onInProgress: { waitMs: 30_000 }, maxOutcomeBytes: size },
          handler: (call) => {
            runs += 1;
            return respond(call, streamOf(chunks(size)));
          },
        });
        await readAndDisconnect(port, 3 * chunk, 'k');
        const retry = await send(port, { key: 'k' });
        expect([retry.status, retry.body.byteLength, retry.headers['idempotent-replayed']]).toEqual([
          200,
          size,
          'true',
        ]);
        expect(runs).toBe(1);
      },
    );
  });

  suite.group(
    'An endless response whose attempt loses its lease',
    (testbed) => {
      it('is cut although its client keeps reading, and its source is destroyed', async () => {
        const source = streamOf(endless());
        const ended = closeOf(source);
        const { port } = await testbed.start({
          store: (await testbed.openStore()).store,
          options: { leaseMs: 2_000, maxExecutionMs: 100 },
          handler: () => ({ body: source }),
        });
        const outgoing = begin(port, { key: 'k' });
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
        const failure = once(incoming, 'error');
        incoming.resume();
        await ended;
        await failure;
        expect(incoming.complete).toBe(false);
      });
    },
    { needs: ['streaming'] },
  );
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

/** Not `once()`, which rejects with an error that comes before. */
function closeOf(source: Readable): Promise<void> {
  return new Promise((resolve) => source.once('close', resolve));
}

function* chunks(bytes: number): Generator<Buffer> {
  for (let made = 0; made < bytes; made += chunk) yield Buffer.alloc(chunk, 'x');
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(chunk, 'x');
}
