// What the Fastify application around the programs of the documents has already: who calls, and what that caller may do.
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    user: { id: string };
  }
}

export async function authenticate(request: FastifyRequest): Promise<void> {
  request.user = { id: 'user_alice' };
}

/** In this application everybody may pay. */
export async function authorize(_request: FastifyRequest): Promise<void> {}
