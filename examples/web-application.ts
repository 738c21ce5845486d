// The application around the programs for handlers with Request and Response: who a request comes from.

import type { Middleware } from 'h3';
import { createMiddleware } from 'hono/factory';

export interface User {
  readonly id: string;
}

export interface Authenticated {
  readonly request: Request;
  readonly user: User;
}

declare module 'h3' {
  interface H3EventContext {
    user: User;
  }
}

/** Stands for your sessions or tokens. Null: nobody that is known. */
export async function authenticate(request: Request): Promise<User | null> {
  const id = request.headers.get('X-User') ?? 'user_alice';
  return id === '' ? null : { id };
}

/** Throws where nobody is known. */
export async function userIdOf(request: Request): Promise<string> {
  const user = await authenticate(request);
  if (user === null) throw new Error('Sign in.');
  return user.id;
}

export const authenticateHono = createMiddleware<{ Variables: { user: User } }>(async (c, next) => {
  const user = await authenticate(c.req.raw);
  if (user === null) return c.body(null, 401);
  c.set('user', user);
  return await next();
});

export const authenticateH3: Middleware = async (event) => {
  const user = await authenticate(event.req);
  if (user === null) return new Response(null, { status: 401 });
  event.context.user = user;
  return undefined;
};
