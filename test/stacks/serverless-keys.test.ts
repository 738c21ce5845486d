// Requests of serverless functions, which a wrapper makes from an event: their key is found, and duplicates run once.
import { MemoryStore } from '@onceguard/core';
import { idempotency } from '@onceguard/express';
import express from 'express';
import serverless4 from 'serverless-http';
import serverless3 from 'serverless-http3';
import { describe, expect, it } from 'vitest';

type Wrap = (app: express.Express) => (event: object, context: object) => Promise<unknown>;

describe.each<[string, Wrap]>([
  ['serverless-http 3', serverless3 as unknown as Wrap],
  ['serverless-http 4', serverless4 as unknown as Wrap],
])('Behind %s', (_name, wrap) => {
  it('20 duplicates run once, and all get the response', async () => {
    let runs = 0;
    const options = {
      store: new MemoryStore(),
      scope: 'public',
      required: true,
      onInProgress: { waitMs: 30_000 },
    } as const;
    // Behind version 3, Express 5's parser takes the stream for finished and leaves the bytes unparsed.
    const fingerprint = (req: { body: unknown }) => JSON.stringify(req.body);
    const app = express().use(express.json());
    app.post('/pay', idempotency({ ...options, fingerprint }), (_req, res) => {
      runs += 1;
      res.status(201).json({ run: runs });
    });
    const handler = wrap(app);
    const responses = await Promise.all(Array.from({ length: 20 }, async () => await handler(event(), {})));
    for (const response of responses) expect(response).toMatchObject({ statusCode: 201, body: '{"run":1}' });
    expect(runs).toBe(1);
  });
});

/** API Gateway, version 2. */
function event(): object {
  const body = JSON.stringify({ amount: 10 });
  return {
    version: '2.0',
    rawPath: '/pay',
    rawQueryString: '',
    headers: { 'content-type': 'application/json', 'content-length': String(body.length), 'idempotency-key': 'k' },
    requestContext: { http: { method: 'POST', path: '/pay', sourceIp: '127.0.0.1' } },
    body,
    isBase64Encoded: false,
  };
}
