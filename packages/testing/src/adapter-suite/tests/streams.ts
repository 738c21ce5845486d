// Requirement 8: a stream whose client disconnects is recorded whole; one that breaks counts as no response, at once.
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Call, Reply } from '../framework.js';
import { disconnectAndRetry, disconnects, staysConnected } from '../support/disconnect-and-retry.js';

type SendStream = (call: Call, source: PassThrough) => Reply;

const ownWay: Record<string, SendStream> = {
  'as the framework sends a stream': (_call, source) => ({ status: 200, body: source }),
};

const rawWays: Record<string, SendStream> = {
  'in a pipe': ({ res }, source) => {
    // Koa's default status is 404.
    res.statusCode = 200;
    source.pipe(res);
    return 'raw';
  },
  'in a pipeline': ({ res }, source) => {
    res.statusCode = 200;
    pipeline(source, res).catch(() => {});
    return 'raw';
  },
};

const waysToSend = (testbed: Testbed) => (testbed.has('raw') ? { ...rawWays, ...ownWay } : ownWay);

/** Ways in which a stream ends early. */
const streamFailures: Record<string, (source: PassThrough) => void> = {
  'without an error': (source) => void source.destroy(),
  'with an error': (source) => void source.destroy(new Error('The source failed.')),
};

export function streamsTests(suite: AdapterTests): void {
  suite.group(
    'A stream whose client disconnects in the middle',
    (testbed) => {
      const sendForms = waysToSend(testbed);
      for (const [way, depart] of Object.entries(disconnects)) {
        it.each(Object.keys(sendForms))(`is recorded whole, and the retry gets it: %s (it ${way})`, async (form) => {
          const { retry, runs } = await disconnectAndRetry(testbed, depart, (call, leave) => {
            const { source, reply } = sendStream(sendForms, form, call);
            void leave().then(() => source.end('second'));
            return reply;
          });
          expect(retry).toMatchObject({
            status: 200,
            text: 'first second',
            headers: { 'idempotent-replayed': 'true' },
          });
          expect(runs).toBe(1);
        });
      }
    },
    { on: 'each' },
  );

  suite.group(
    'A stream that breaks after its client has disconnected',
    (testbed) => {
      const sendForms = waysToSend(testbed);
      for (const [how, destroy] of Object.entries(streamFailures)) {
        it.each(Object.keys(sendForms))(`${how} counts as no response, at once: %s`, async (form) => {
          const { retry, runs } = await disconnectAndRetry(
            testbed,
            disconnects['resets the connection'],
            (call, leave) => {
              const { source, reply } = sendStream(sendForms, form, call);
              void leave().then(() => destroy(source));
              return reply;
            },
          );
          expect(retry).toMatchObject({ status: 202, text: 'attempt 2' });
          expect(runs).toBe(2);
        });
      }
    },
    { on: 'each' },
  );

  suite.group(
    'A stream that breaks while its client waits',
    (testbed) => {
      const sendForms = waysToSend(testbed);
      for (const [how, destroy] of Object.entries(streamFailures)) {
        it.each(Object.keys(sendForms))(`${how} counts as no response, at once: %s`, async (form) => {
          const { retry, runs } = await disconnectAndRetry(testbed, staysConnected, (call, leave) => {
            const onRead = (source: PassThrough) => setImmediate(() => destroy(source));
            const { reply } = sendStream(sendForms, form, call, onRead);
            void leave();
            return reply;
          });
          expect(retry).toMatchObject({ status: 202, text: 'attempt 2' });
          expect(runs).toBe(2);
        });
      }
    },
    { on: 'each' },
  );
}

function sendStream(
  sendForms: Record<string, SendStream>,
  form: string,
  call: Call,
  onRead: (source: PassThrough) => void = () => {},
) {
  const source = new PassThrough();
  // Without this listener, a pipe from a failing source ends the process, with or without the middleware.
  source.on('error', () => {});
  source.write('first ');
  // Before the source is sent: a pipe begins to read at once.
  onceRead(source, () => onRead(source));
  const reply = sendForms[form]?.(call, source) ?? 'raw';
  return { source, reply };
}

/** Calls `listener` when somebody begins to read the source, by its events or as an iterable. */
function onceRead(source: PassThrough, listener: () => void): void {
  source.on('newListener', function begin(event) {
    if (event !== 'data' && event !== 'readable') return;
    source.off('newListener', begin);
    listener();
  });
}
