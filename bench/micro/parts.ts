// The parts of the hot path that compute, each alone, on a payment as the main run sends it.
import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Bench } from 'tinybench';
import { requestRecordName } from '../../packages/core/src/engine/record-name.js';
import { toComparableBody } from '../../packages/core/src/http/comparable-body.js';
import { fingerprintRequest } from '../../packages/core/src/http/fingerprint.js';
import { parseKey } from '../../packages/core/src/http/idempotency-key.js';
import { decodeRecordedResponse, encodeRecordedResponse } from '../../packages/core/src/http/recorded-response.js';
import { captureResponse } from '../../packages/core/src/node/capture/capture-response.js';
import { pay } from '../apps/payment.js';

const key = '0f8fad5b-d9cb-469f-a165-70867728950e';
const order = { amount: 4_200, currency: 'EUR', note: '' };
const orderBytes = String(JSON.stringify(order).length);
const answer = Buffer.from(JSON.stringify(pay(order)));
const recorded = {
  status: 201,
  reason: 'Created',
  headerChange: {
    set: [
      ['Content-Type', 'application/json; charset=utf-8'],
      ['ETag', 'W/"c2-mHCkVoTBtEYltA3HP54Obw/gwfE"'],
    ],
    removed: [],
  },
  trailers: [],
  body: answer,
} satisfies Parameters<typeof encodeRecordedResponse>[0];
const encoded = encodeRecordedResponse(recorded);

export function addParts(bench: Bench): void {
  bench
    .add('key parsing', () => {
      parseKey([key]);
    })
    .add('look-up name', () => {
      requestRecordName('account_42', 'POST', '/payments', key);
    })
    .add('fingerprint', fingerprintOrder)
    .add('encode', () => {
      encodeRecordedResponse(recorded);
    })
    .add('decode', () => {
      decodeRecordedResponse(encoded);
    })
    .add('a response, not captured', sendOnly, asynchronous)
    .add('a response, captured', () => captureAndSend('Created'), asynchronous)
    // A reason phrase of its own excludes the fast path for simple responses.
    .add('a response, captured with a dry run', () => captureAndSend('Paid'), asynchronous);
}

/** Tinybench would call a task once, without awaiting it, to find out; the connection serves one response at a time. */
const asynchronous = { async: true };

async function sendOnly(): Promise<void> {
  const { res, left } = exchange();
  end(res);
  await left;
}

async function captureAndSend(reason: string): Promise<void> {
  const { req, res, left } = exchange();
  const capture = captureResponse(req, res, { maxOutcomeBytes: 1_048_576 });
  res.statusMessage = reason;
  end(res);
  await capture.ended;
  await capture.send();
  await left;
}

function fingerprintOrder(): void {
  const headers = { 'content-type': 'application/json', 'content-length': orderBytes };
  const body = toComparableBody({ headers, hasBody: true, readableEnded: true, parsedBody: order });
  if (!body.ok) throw new Error(body.reason);
  fingerprintRequest({ method: 'POST', path: '/payments', query: '', body });
}

/** A connection whose other side takes all there is, as Node's HTTP server uses one. */
const connection = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() }) as Socket;

function exchange() {
  const req = new IncomingMessage(connection);
  const res = new ServerResponse(req);
  res.assignSocket(connection);
  const left = once(res, 'finish').then(() => res.detachSocket(connection));
  return { req, res, left };
}

function end(res: ServerResponse): void {
  res.statusCode = 201;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.end(answer);
}
