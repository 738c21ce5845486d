// Requirement 13: an error that Node throws reaches the handler's own call, and is not recorded.
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { comparableResponse } from '../support/expect-replay.js';
import { type ReceivedResponse, send } from '../support/http-client.js';

/** Calls on the response, and the error code that Node throws. */
const mistakes: readonly (readonly [what: string, call: (res: ServerResponse) => unknown, code: string])[] = [
  ['status 99', (res) => res.writeHead(99), 'ERR_HTTP_INVALID_STATUS_CODE'],
  ['an assigned status 1000', (res) => Object.assign(res, { statusCode: 1000 }).end(), 'ERR_HTTP_INVALID_STATUS_CODE'],
  ['a line break in the reason phrase', (res) => res.writeHead(200, 'a\r\nb'), 'ERR_INVALID_CHAR'],
  ['a header name with a space', (res) => res.setHeader('X Made', 'a'), 'ERR_INVALID_HTTP_TOKEN'],
  ['a line break in a header', (res) => res.setHeader('X-Made', 'a\nb'), 'ERR_INVALID_CHAR'],
  ['a header beyond Latin-1, given to writeHead', (res) => res.writeHead(200, { 'X-Made': '€' }), 'ERR_INVALID_CHAR'],
  ['a header without a value', (res) => res.setHeader('X-Made', undefined as never), 'ERR_HTTP_INVALID_HEADER_VALUE'],
  ['a number as chunk', (res) => res.write(17), 'ERR_INVALID_ARG_TYPE'],
  ['null as chunk', (res) => res.write(null), 'ERR_STREAM_NULL_VALUES'],
  ['an object as body', (res) => res.end({ paid: true }), 'ERR_INVALID_ARG_TYPE'],
  ['a trailer name with a space', (res) => res.addTrailers({ 'X Made': 'a' }), 'ERR_INVALID_HTTP_TOKEN'],
];

/** After them, the head that Node has refused is still on the response. */
const refusedHeads = ['a line break in the reason phrase', 'a header beyond Latin-1, given to writeHead'];

/** Over HTTP/2 Node rejects other calls: see test/node/http2.test.ts. */
const overHttp1 = { needs: ['raw', 'errorsAfterHijack'], transport: 'HTTP/1' } as const;

export function refusedByNodeTests(suite: AdapterTests): void {
  suite.group(
    "What Node rejects throws in the handler's own call and is not recorded",
    (testbed) => {
      const answered = mistakes.filter(([what]) => testbed.has('refusedHeads') || !refusedHeads.includes(what));
      it.each(answered)('%s', async (_, call, code) => {
        const thrown: unknown[] = [];
        const { port } = await testbed.start({
          store: (await testbed.openStore()).store,
          handler: ({ res }) => {
            try {
              call(res);
            } catch (error) {
              thrown.push(error instanceof Error && Reflect.get(error, 'code'));
              throw error;
            }
            return 'raw';
          },
        });
        const plain = await send(port);
        const first = await send(port, { key: 'k' });
        const retry = await send(port, { key: 'k' });
        expect(thrown).toEqual([code, code, code]);
        expect(plain.status).toBe(500);
        expect([first, retry].map(withoutStackTrace)).toEqual([plain, plain].map(withoutStackTrace));
      });

      it('a handler that catches the error may still respond, and that is recorded', async () => {
        let runs = 0;
        const { port } = await testbed.start({
          store: (await testbed.openStore()).store,
          handler: ({ res }) => {
            runs += 1;
            for (const [, call] of mistakes.slice(0, 5)) expect(() => call(res)).toThrow();
            return { status: 201, body: 'paid' };
          },
        });
        const responses = [await send(port, { key: 'k' }), await send(port, { key: 'k' })];
        expect(responses.map(({ status, reason, text }) => `${status} ${reason} ${text}`)).toEqual(
          Array(2).fill('201 Created paid'),
        );
        expect(runs).toBe(1);
      });

      it('bytes beyond a strict Content-Length are rejected, and those that fit are sent and recorded', async () => {
        const { port } = await testbed.start({
          store: (await testbed.openStore()).store,
          handler: ({ res }) => {
            res.strictContentLength = true;
            res.writeHead(200, { 'Content-Length': 4 });
            expect(() => res.end('unpaid')).toThrow('content-length');
            res.end('paid');
            return 'raw';
          },
        });
        const texts = [await send(port), await send(port, { key: 'k' }), await send(port, { key: 'k' })].map(
          ({ text }) => text,
        );
        expect(texts).toEqual(['paid', 'paid', 'paid']);
      });
    },
    overHttp1,
  );
}

/** Without the stack trace, which differs between two calls. */
function withoutStackTrace(received: ReceivedResponse) {
  return { ...comparableResponse(received), body: received.text.split('\n', 1) };
}
