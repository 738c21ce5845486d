// Requirement 8: a response is recorded although its client has disconnected, however it is given.
import { createReadStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Response } from 'express';
import type { Context } from 'koa';
import { expect, it } from 'vitest';
import { disconnectAndRetry, disconnects } from './08-disconnect-and-retry.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { Call, Reply } from './frameworks.js';

const path = fileURLToPath(import.meta.url);
const whole = readFileSync(path, 'utf8');
const paid = JSON.stringify({ paid: true });

interface Form {
  readonly text: string;
  respond(call: Call): Reply | Promise<Reply>;
}

/** Koa sends the body after the stack has returned. */
function koa(text: string, bodyOf: () => unknown): Form {
  return {
    text,
    respond: (call) => {
      (call.native as Context).body = bodyOf();
      return 'native';
    },
  };
}

/** Responds through `call.res`, which Express extends. */
function onResponse(text: string, respond: (res: Response) => unknown): Form {
  return {
    text,
    respond: async (call) => {
      // Koa's default status is 404.
      call.res.statusCode = 200;
      await respond(call.res as Response);
      return 'raw' as const;
    },
  };
}

const common: Record<string, Form> = {
  'end()': onResponse(paid, (res) => res.end(paid)),
  'write() and end()': onResponse(paid, (res) => {
    res.write(paid.slice(0, 5));
    res.end(paid.slice(5));
  }),
  'writes that wait for each other': onResponse(whole, async (res) => {
    for (const line of whole.split(/(?<=\n)/)) await new Promise((resolve) => res.write(line, resolve));
    res.end();
  }),
  'a file, piped': onResponse(whole, (res) => createReadStream(path).pipe(res)),
  'a file in a pipeline': onResponse(
    whole,
    async (res) => await pipeline(createReadStream(path, { highWaterMark: 99 }), res),
  ),
};

const onExpress: Record<string, Form> = {
  ...common,
  'json()': onResponse(paid, (res) => res.json({ paid: true })),
  'send() of a string': onResponse(paid, (res) => res.send(paid)),
  'send() of a Buffer': onResponse(paid, (res) => res.send(Buffer.from(paid))),
  'sendFile()': onResponse(whole, (res) => res.sendFile(path)),
};

const onKoa: Record<string, Form> = {
  ...common,
  'a string': koa(paid, () => paid),
  'a Buffer': koa(paid, () => Buffer.from(paid)),
  'an object': koa(paid, () => ({ paid: true })),
  'a stream': koa(paid, () => Readable.from([paid.slice(0, 5), paid.slice(5)])),
  'a file': koa(whole, () => createReadStream(path)),
};

for (const [departure, depart] of Object.entries(disconnects)) {
  const tests = (testbed: Testbed): void => {
    const forms = testbed.framework.family === 'express' ? onExpress : onKoa;
    it.each(Object.keys(forms))('is recorded, and the retry gets it: %s', async (name) => {
      const form = forms[name];
      if (form === undefined) throw new Error(name);
      const { retry, runs } = await disconnectAndRetry(testbed, depart, async (call, leave) => {
        await leave();
        return await form.respond(call);
      });
      expect(retry).toMatchObject({ status: 200, text: form.text, headers: { 'idempotent-replayed': 'true' } });
      expect(runs).toBe(1);
    });
  };
  onEveryFramework(`A response given after the client ${departure}`, tests);
}
