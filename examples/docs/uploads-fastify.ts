// The Fastify program of docs/guides/uploads.md. What is between the marks is an exact copy: change both.
import { store } from '../application.js';
import { authenticate } from '../application-fastify.js';

const photos: string[] = [];

// #region snippet

import { createHash } from 'node:crypto';
import multipart from '@fastify/multipart';
import { idempotency } from '@onceguard/fastify';
import Fastify, { type FastifyRequest } from 'fastify';

/** The fields as they are, each file by a digest of its bytes. */
function partsOf(request: FastifyRequest): string {
  const parts = Object.entries(request.body as Record<string, unknown>).map(([name, value]) =>
    Buffer.isBuffer(value) ? [name, 'file', createHash('sha256').update(value).digest('hex')] : [name, 'field', value],
  );
  return JSON.stringify(parts);
}

const app = Fastify();
await app.register(multipart, { attachFieldsToBody: 'keyValues', limits: { fileSize: 5_000_000 } });
await app.register(idempotency, { store, scope: (request) => request.user.id });
app.post<{ Body: { title: string; photo: Buffer } }>(
  '/photos',
  { preHandler: authenticate, config: { idempotency: { fingerprint: partsOf } } },
  async (request, reply) => reply.code(201).send({ id: photos.push(request.body.title) }),
);

// #endregion

export { app, photos };
