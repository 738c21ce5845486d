// Requirement 8: the return value of a Nest handler is recorded although its client has disconnected, whatever its
// form.
import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { storeKinds } from '../adapters/store-kinds.js';
import { loadNest, majors, type Nest, type Route } from './nest.js';

type Form = (nest: Nest, left: Promise<void>) => Pick<Route, 'handler' | 'kind'>;

const forms: Record<string, Form> = {
  'a promise': (_, left) => ({ handler: async () => await left.then(() => ({ paid: true })) }),
  'an Observable': ({ rxjs }, left) => ({ handler: () => rxjs.from(left.then(() => ({ paid: true }))) }),
  'a StreamableFile': ({ common }, left) => ({ handler: () => new common.StreamableFile(slowStream(left)) }),
};

/** Nest 12 sends each yielded value at once. */
const forms12: Record<string, Form> = {
  'an async generator': (_, left) => ({
    async *handler() {
      yield '{"paid":';
      await left;
      yield 'true}';
    },
  }),
  'a web Response': (_, left) => ({ handler: async () => await left.then(() => Response.json({ paid: true })) }),
};

for (const major of majors) {
  describe.each(storeKinds)(`Nest ${major} ($name)`, ({ open }) => {
    const opened: { close(): Promise<void> }[] = [];
    let library: Nest;
    beforeAll(async () => {
      library = await loadNest(major);
    });
    afterEach(async () => {
      for (const one of opened.splice(0).reverse()) await one.close();
    });

    it.each(Object.keys(major === '12' ? { ...forms, ...forms12 } : forms))(
      '%s is recorded after its client has disconnected, and replayed',
      async (name) => {
        const { text, headers, runs } = await leave(forms[name] ?? forms12[name]);
        expect([JSON.parse(text), headers['idempotent-replayed'], runs]).toEqual([{ paid: true }, 'true', 1]);
      },
    );

    it('an event stream is never replayed cut short', async () => {
      const { text, headers, runs } = await leave(({ rxjs }, left) => ({
        kind: 'Sse',
        handler: () => rxjs.concat(rxjs.of({ data: 'one' }), rxjs.from(left.then(() => ({ data: 'two' })))),
      }));
      expect([text, headers['idempotent-replayed'], runs]).toEqual([
        expect.stringMatching(/data: one[\s\S]*data: two/),
        'true',
        1,
      ]);
    });

    /** The client of the first attempt disconnects while its handler runs; then the handler continues. */
    async function leave(form: Form | undefined) {
      const testbed = await open();
      opened.push(testbed);
      const entered = newGate();
      const left = newGate();
      const { handler, kind } = form?.(library, left.opened) ?? { handler: () => undefined };
      let runs = 0;
      const app = await library.start({
        store: testbed.store,
        ...(kind ? { kind } : {}),
        handler: () => {
          runs += 1;
          entered.open();
          return handler();
        },
      });
      opened.push(app);
      const connected = once(app.server, 'connection') as Promise<[Socket]>;
      const client = request({
        port: app.port,
        method: 'POST',
        path: '/pay',
        agent: false,
        headers: { 'idempotency-key': 'k' },
      });
      client.on('error', () => {}).end();
      const [socket] = await connected;
      const gone = once(socket, 'close');
      await entered.opened;
      // Nest subscribes to the handler's return value in the next iterations of the event loop.
      for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
      client.destroy();
      await gone;
      left.open();
      const retry = await send(app.port, { key: 'k', method: 'POST' });
      return { text: retry.text, headers: retry.headers, runs };
    }
  });
}

function slowStream(left: Promise<void>): PassThrough {
  const stream = new PassThrough();
  stream.write('{"paid":');
  void left.then(() => stream.end('true}'));
  return stream;
}
