// Requirement 8: a stream whose client disconnects is recorded whole; one that breaks counts as no response, at once.
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Context } from 'koa';
import { expect, it } from 'vitest';
import { disconnectAndRetry, disconnects, staysConnected } from './08-disconnect-and-retry.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { Call, Reply } from './frameworks.js';

type SendStream = (call: Call, source: PassThrough) => Reply;

const common: Record<string, SendStream> = {
  'in a pipe': ({ res }, source) => {
    source.pipe(res);
    return 'raw';
  },
  'in a pipeline': ({ res }, source) => {
    pipeline(source, res).catch(() => {});
    return 'raw';
  },
};

const waysToSend: Record<Testbed['framework']['family'], Record<string, SendStream>> = {
  express: common,
  koa: {
    ...common,
    'as ctx.body': ({ native }, source) => {
      (native as Context).body = source;
      return 'native';
    },
  },
};

/** Ways in which a stream ends early. */
const streamFailures: Record<string, (source: PassThrough) => void> = {
  'without an error': (source) => void source.destroy(),
  'with an error': (source) => void source.destroy(new Error('The source failed.')),
};

onEveryFramework('A stream whose client disconnects in the middle', (testbed) => {
  const sendForms = waysToSend[testbed.framework.family];
  for (const [departure, depart] of Object.entries(disconnects)) {
    it.each(Object.keys(sendForms))(`is recorded whole, and the retry gets it: %s (it ${departure})`, async (form) => {
      const { retry, runs } = await disconnectAndRetry(testbed, depart, (call, leave) => {
        const { source, reply } = sendStream(sendForms, form, call);
        void leave().then(() => source.end('second'));
        return reply;
      });
      expect(retry).toMatchObject({ status: 200, text: 'first second', headers: { 'idempotent-replayed': 'true' } });
      expect(runs).toBe(1);
    });
  }
});

onEveryFramework('A stream that breaks after its client has disconnected', (testbed) => {
  const sendForms = waysToSend[testbed.framework.family];
  for (const [how, destroy] of Object.entries(streamFailures)) {
    it.each(Object.keys(sendForms))(`${how} counts as no response, at once: %s`, async (form) => {
      const { retry, runs } = await disconnectAndRetry(testbed, disconnects['resets the connection'], (call, leave) => {
        const { source, reply } = sendStream(sendForms, form, call);
        void leave().then(() => destroy(source));
        return reply;
      });
      expect(retry).toMatchObject({ status: 202, text: 'attempt 2' });
      expect(runs).toBe(2);
    });
  }
});

onEveryFramework('A stream that breaks while its client waits', (testbed) => {
  const sendForms = waysToSend[testbed.framework.family];
  for (const [how, destroy] of Object.entries(streamFailures)) {
    it.each(Object.keys(sendForms))(`${how} counts as no response, at once: %s`, async (form) => {
      const { retry, runs } = await disconnectAndRetry(testbed, staysConnected, (call, leave) => {
        call.res.once('pipe', (source: PassThrough) => setImmediate(() => destroy(source)));
        void leave();
        return sendStream(sendForms, form, call).reply;
      });
      expect(retry).toMatchObject({ status: 202, text: 'attempt 2' });
      expect(runs).toBe(2);
    });
  }
});

function sendStream(sendForms: Record<string, SendStream>, form: string, call: Call) {
  const source = new PassThrough();
  // Without this listener, a pipe from a failing source ends the process, with or without the middleware.
  source.on('error', () => {});
  source.write('first ');
  // Koa's default status is 404.
  call.res.statusCode = 200;
  const reply = sendForms[form]?.(call, source) ?? 'raw';
  return { source, reply };
}
