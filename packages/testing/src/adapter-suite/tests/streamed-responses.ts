// Requirement 12: a response that must not wait is sent while it is produced, and is replayed too.
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Reply } from '../framework.js';
import { type Gate, newGate } from '../support/gate.js';
import { begin, type ReceivedResponse, send } from '../support/http-client.js';

const events = ['data: one\n\n', 'data: two\n\n', 'data: three\n\n'];

export function streamedResponsesTests(suite: AdapterTests): void {
  suite.group('A response that must not wait:', (testbed) => {
    it.runIf(testbed.has('streaming'))('event streams arrive event by event, and are replayed', async () => {
      const arrived = events.map(() => newGate());
      const { client, retry } = await startFlowing(testbed, async () => {
        const body = new PassThrough();
        void writeEach(body, arrived);
        return { headers: { 'Content-Type': 'text/event-stream' }, body };
      });
      const [incoming] = (await once(client, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of incoming) {
        text += chunk;
        arrived[events.indexOf(String(chunk))]?.open();
      }
      expect(text).toBe(events.join(''));

      const replay = await retry();
      const type = incoming.headers['content-type'];
      expect(type).toMatch(/^text\/event-stream/);
      expect([replay.text, replay.headers['content-type']]).toEqual([text, type]);
    });

    it.runIf(testbed.has('raw'))(
      'flushHeaders() followed by a small response sends the head at once, and the response is replayed',
      async () => {
        const headArrived = newGate();
        const { client, retry } = await startFlowing(testbed, async ({ res }): Promise<Reply> => {
          res.writeHead(202, 'Taken up', { 'X-Made': 'here' });
          res.flushHeaders();
          await headArrived.opened;
          res.end('small');
          return 'raw';
        });
        const [incoming] = (await once(client, 'response')) as [IncomingMessage];
        headArrived.open();
        expect([incoming.statusCode, incoming.statusMessage, incoming.headers['x-made']]).toEqual([
          202,
          testbed.reasonPhrase('Taken up'),
          'here',
        ]);
        expect(await textOf(incoming)).toBe('small');

        const replay = await retry();
        expect([replay.status, replay.reason, replay.headers['x-made']]).toEqual([
          202,
          testbed.reasonPhrase('Taken up'),
          'here',
        ]);
        expect(replay.text).toBe('small');
      },
    );
  });
}

/** The handler runs for the first request only; the retry waits for its record. */
async function startFlowing(
  testbed: Testbed,
  handler: Handler,
): Promise<{ client: ClientRequest; retry(): Promise<ReceivedResponse> }> {
  let runs = 0;
  const { port } = await testbed.start({
    store: (await testbed.openStore()).store,
    options: { onInProgress: { waitMs: 30_000 } },
    handler: async (call) => {
      runs += 1;
      return await handler(call);
    },
  });
  return {
    client: begin(port, { key: 'k' }),
    async retry() {
      const replay = await send(port, { key: 'k' });
      expect([replay.headers['idempotent-replayed'], runs]).toEqual(['true', 1]);
      return replay;
    },
  };
}

/** Writes each event only after the client has received the one before. */
async function writeEach(out: NodeJS.WritableStream, arrived: readonly Gate[]): Promise<void> {
  for (const [at, event] of events.entries()) {
    out.write(event);
    await arrived[at]?.opened;
  }
  out.end();
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += chunk;
  return text;
}
