// Requirement 8: a response is recorded although its client has disconnected, however it is given.
import { createReadStream, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Call, Reply } from '../framework.js';
import { disconnectAndRetry, disconnects } from '../support/disconnect-and-retry.js';

const path = fileURLToPath(import.meta.url);
const whole = readFileSync(path, 'utf8');
const paid = JSON.stringify({ paid: true });

interface Form {
  readonly text: string;
  respond(call: Call): Reply | Promise<Reply>;
}

/** Responds in the framework's own way. */
function replied(text: string, bodyOf: () => unknown): Form {
  return { text, respond: () => ({ body: bodyOf() }) };
}

/** Writes to `call.res`. */
function written(text: string, write: (res: ServerResponse) => unknown): Form {
  return {
    text,
    respond: async (call) => {
      // Koa's default status is 404.
      call.res.statusCode = 200;
      await write(call.res);
      return 'raw' as const;
    },
  };
}

const replies: Record<string, Form> = {
  'a string': replied(paid, () => paid),
  'a Buffer': replied(paid, () => Buffer.from(paid)),
  'an object': replied(paid, () => ({ paid: true })),
  'a stream': replied(paid, () => Readable.from([paid.slice(0, 5), paid.slice(5)])),
  'a file': replied(whole, () => createReadStream(path)),
};

const rawForms: Record<string, Form> = {
  'end()': written(paid, (res) => res.end(paid)),
  'write() and end()': written(paid, (res) => {
    res.write(paid.slice(0, 5));
    res.end(paid.slice(5));
  }),
  'writes that wait for each other': written(whole, async (res) => {
    for (const line of whole.split(/(?<=\n)/)) await new Promise((resolve) => res.write(line, resolve));
    res.end();
  }),
  'a file, piped': written(whole, (res) => createReadStream(path).pipe(res)),
  'a file in a pipeline': written(
    whole,
    async (res) => await pipeline(createReadStream(path, { highWaterMark: 99 }), res),
  ),
};

export function clientDisconnectsTests(suite: AdapterTests): void {
  for (const [way, depart] of Object.entries(disconnects)) {
    const tests = (testbed: Testbed): void => {
      const forms = testbed.has('raw') ? { ...rawForms, ...replies } : replies;
      it.each(Object.entries(forms))('is recorded, and the retry gets it: %s', async (_title, form) => {
        const { retry, runs } = await disconnectAndRetry(testbed, depart, async (call, leave) => {
          await leave();
          return await form.respond(call);
        });
        expect(retry).toMatchObject({ status: 200, text: form.text, headers: { 'idempotent-replayed': 'true' } });
        expect(runs).toBe(1);
      });
    };
    suite.group(`A response given after the client ${way}`, tests);
  }
}
