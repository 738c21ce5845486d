// @node-idempotency/core with its Redis adapter, and the middleware that it needs around onRequest and onResponse.
import { Idempotency, IdempotencyError, IdempotencyErrorCodes } from '@node-idempotency/core';
import { RedisStorageAdapter } from '@node-idempotency/storage-adapter-redis';
import type { RequestHandler, Response } from 'express';
import { paymentsApp } from './payment.js';

export async function nodeIdempotencyApp(redisUrl: string) {
  const storage = new RedisStorageAdapter({ url: redisUrl });
  await storage.connect();
  return paymentsApp(guard(new Idempotency(storage)));
}

function guard(idempotency: Idempotency): RequestHandler {
  return async (req, res, next) => {
    const { headers, path, method, body } = req;
    const request = { headers, path, method, body };
    try {
      const found = await idempotency.onRequest<string, string>(request);
      if (found !== undefined) {
        res.status(Number(found.additional?.status)).type('json').send(found.body);
        return;
      }
    } catch (error) {
      refuse(res, error);
      return;
    }
    const send = res.send.bind(res);
    // Records first, then sends.
    res.send = (text) => {
      const response = { body: text, additional: { status: res.statusCode } };
      idempotency.onResponse(request, response).then(() => send(text), next);
      return res;
    };
    next();
  };
}

function refuse(res: Response, error: unknown): void {
  const isConflict = error instanceof IdempotencyError && error.code === IdempotencyErrorCodes.REQUEST_IN_PROGRESS;
  res.status(isConflict ? 409 : 422).json({ error: String(error) });
}
