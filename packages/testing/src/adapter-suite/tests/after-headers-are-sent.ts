// Requirement 13: once the head is written the response is fixed, whatever the application does next.
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { Call, Reply } from '../framework.js';
import { send } from '../support/http-client.js';

/** Actions after the response has ended. Where plain Node throws, the framework's error handler gets the error. */
const lateActions: Record<string, (call: Call) => unknown> = {
  'a second response': ({ res }) => res.writeHead(500).end('second'),
  'a second end': ({ res }) => res.end('second'),
  'a later write': ({ res }) => res.write('second'),
  'a later status': ({ res }) => Object.assign(res, { statusCode: 500, statusMessage: 'Broken' }),
  'a later header': ({ res }) => res.setHeader('X-Late', 'yes'),
  'an error, which Express meets by destroying the socket': () => {
    throw new Error('too late');
  },
  'destroying the socket': ({ req }) => req.socket.destroy(),
  'destroying the response': ({ res }) => res.destroy(),
};

export function afterHeadersAreSentTests(suite: AdapterTests): void {
  suite.group(
    'After the head is written, the client still gets the first response, and so does its retry',
    (testbed) => {
      it.each(Object.keys(lateActions))('%s changes nothing', async (what) => {
        await expectFirstTwice(({ res }) => void res.writeHead(201, 'Paid', { 'X-Made': 'here' }).end('first'), what);
      });

      it.each(Object.keys(lateActions))('%s a little later changes nothing', async (what) => {
        await expectFirstTwice(async ({ res }) => {
          res.writeHead(201, 'Paid', { 'X-Made': 'here' }).end('first');
          await new Promise(setImmediate);
        }, what);
      });

      async function expectFirstTwice(respond: (call: Call) => void | Promise<void>, what: string): Promise<void> {
        let runs = 0;
        const { port } = await testbed.start({
          store: (await testbed.openStore()).store,
          handler: async (call): Promise<Reply> => {
            runs += 1;
            // Some frameworks would also send an error.
            call.hijack();
            await respond(call);
            lateActions[what]?.(call);
            return 'raw';
          },
        });
        for (const replayed of [undefined, 'true']) {
          const received = await send(port, { key: 'k' });
          expect([received.status, received.reason, received.text]).toEqual([
            201,
            testbed.reasonPhrase('Paid'),
            'first',
          ]);
          expect([received.headers['x-made'], received.headers['x-late']]).toEqual(['here', undefined]);
          expect(received.headers['idempotent-replayed']).toBe(replayed);
        }
        expect(runs).toBe(1);
      }
    },
    { needs: ['raw'] },
  );
}
