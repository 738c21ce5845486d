// Requirement 8: whatever a handler listens to, it does not see that its client has disconnected before its response is
// recorded.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { finished } from 'node:stream';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { Call } from '../framework.js';
import { disconnectAndRetry, disconnects } from '../support/disconnect-and-retry.js';
import { newGate } from '../support/gate.js';

/** Ways to notice that the client has disconnected. */
const listeners: Record<string, (call: Call, stop: () => void) => unknown> = {
  "req.socket.on('close')": ({ req }, stop) => req.socket.on('close', stop),
  "req.socket.once('end')": ({ req }, stop) => req.socket.once('end', stop),
  "req.socket.prependOnceListener('error')": ({ req }, stop) => req.socket.prependOnceListener('error', stop),
  "req.connection.addListener('close')": ({ req }, stop) => req.connection.addListener('close', stop),
  'events.once(req.socket)': ({ req }, stop) => void once(req.socket, 'close').then(stop, stop),
  'stream.finished(req.socket)': ({ req }, stop) => void finished(req.socket, stop),
  "res.socket.on('close')": ({ res }, stop) => res.socket?.on('close', stop),
  "req.on('aborted')": ({ req }, stop) => req.on('aborted', stop),
  "req.on('error')": ({ req }, stop) => req.on('error', stop),
  "res.on('close')": ({ res }, stop) => res.on('close', stop),
  "res.once('error')": ({ res }, stop) => res.once('error', stop),
  'stream.finished(res)': ({ res }, stop) => void finished(res, stop),
};

/** These work for a request without a body: a request that was read closes when its body has ended. */
const listenersOfRequest: typeof listeners = {
  "req.on('close')": ({ req }, stop) => req.on('close', stop),
  'stream.finished(req)': ({ req }, stop) => void finished(req, stop),
};

/** State that shows that the client has disconnected. */
const disconnectChecks: Record<string, (call: Call) => boolean> = {
  'req.socket.destroyed': ({ req }) => req.socket.destroyed,
  '!req.socket.writable': ({ req }) => !req.socket.writable,
  '!req.socket.readable': ({ req }) => !req.socket.readable,
  'req.socket.closed': ({ req }) => req.socket.closed,
  'req.socket.errored': ({ req }) => req.socket.errored !== null,
  'req.aborted': ({ req }) => req.aborted,
  'res.socket.destroyed': ({ res }) => res.socket?.destroyed !== false,
  'res.destroyed': ({ res }) => res.destroyed,
};

const withoutBody = { parser: 'none', sent: { method: 'POST' } } as const;

/** They write to the connection itself. For HTTP/2 see test/node/http2.test.ts. */
const overHttp1 = { needs: ['raw'], transport: 'HTTP/1' } as const;

export function disconnectListenersTests(suite: AdapterTests): void {
  suite.group(
    'A client that disconnects while its request is processed',
    (testbed) => {
      for (const [way, depart] of Object.entries(disconnects)) {
        it.each<[string, Partial<typeof withoutBody>, typeof listeners]>([
          ['with a body', {}, listeners],
          ['without a body', withoutBody, { ...listeners, ...listenersOfRequest }],
        ])(
          `${way}: the handler of a request %s does not see it, and its response is recorded`,
          async (_, spec, all) => {
            const noticed: string[] = [];
            const { retry, runs } = await disconnectAndRetry(
              testbed,
              depart,
              async (call, leave) => {
                for (const [title, listen] of Object.entries(all)) listen(call, () => noticed.push(title));
                await leave();
                for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
                for (const [title, check] of Object.entries(disconnectChecks)) if (check(call)) noticed.push(title);
                return { body: noticed.join() };
              },
              spec,
            );
            expect([retry.text, retry.headers['idempotent-replayed'], runs]).toEqual(['', 'true', 1]);
          },
        );
      }

      it('is seen once the response is recorded', async () => {
        const noticed: string[] = [];
        const all = newGate();
        const see = (title: string) => () => {
          noticed.push(title);
          if (noticed.length === 3) all.open();
        };
        await disconnectAndRetry(
          testbed,
          disconnects['closes the connection'],
          async ({ req, res }, leave) => {
            req.socket.on('close', see('socket'));
            req.on('close', see('request'));
            res.on('close', see('response'));
            await leave();
            return { body: 'paid' };
          },
          withoutBody,
        );
        await all.opened;
        expect(noticed.sort()).toEqual(['request', 'response', 'socket']);
      });
    },
    overHttp1,
  );

  suite.group(
    'A client that disconnects while its body is still arriving',
    (testbed) => {
      it.each<[string, (req: IncomingMessage) => Promise<unknown>]>([
        ["req.on('aborted')", (req) => once(req, 'aborted')],
        ["req.on('close')", (req) => new Promise((resolve) => req.on('close', resolve))],
        ["req.on('error')", (req) => new Promise((resolve) => req.on('error', resolve))],
        ["req.socket.on('close')", (req) => new Promise((resolve) => req.socket.on('close', resolve))],
        ['reading the body', (req) => req.toArray().catch(() => {})],
      ])('is seen by %s', async (_, noticed) => {
        const entered = newGate();
        const stopped = newGate();
        const { port } = await testbed.start({
          store: (await testbed.openStore()).store,
          parser: 'none',
          options: { fingerprint: () => 'chosen' },
          handler: async ({ req }) => {
            const abort = noticed(req);
            if (req.listenerCount('error') === 0) req.on('error', () => {});
            req.resume();
            entered.open();
            await abort;
            stopped.open();
            return { status: 500 };
          },
        });
        const client = connect(port, '127.0.0.1');
        client.write('POST /pay HTTP/1.1\r\nHost: here\r\nIdempotency-Key: k\r\nContent-Length: 10\r\n\r\nhalf');
        await entered.opened;
        client.destroy();
        await stopped.opened;
      });
    },
    { ...overHttp1, needs: ['raw', 'unparsedBodies'] },
  );
}
