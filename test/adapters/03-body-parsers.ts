// Parsers for bodies that the frameworks' usual parsers do not read.
import type { Request, Response } from 'express';
import type { Context, Next } from 'koa';
import multer from 'multer';
import type { Framework } from './frameworks.js';

/** Reads any body as bytes. Koa has no such parser; Express brings its own, which the testbed mounts. */
export function parsesAnyBody({ family }: Framework): unknown {
  if (family === 'express') return (_req: Request, _res: Response, next: () => void) => next();
  return async (ctx: Context, next: Next) => {
    if (ctx.request.is('application/octet-stream') !== false) {
      const chunks: Buffer[] = [];
      for await (const chunk of ctx.req) chunks.push(chunk);
      Reflect.set(ctx.request, 'body', Buffer.concat(chunks));
    }
    await next();
  };
}

/** Reads fields and files of a multipart body, from Express' request or Koa's `ctx.req`. */
export function parsesMultipart({ family }: Framework): unknown {
  const parse = multer().any();
  if (family === 'express') return parse;
  return async (ctx: Context, next: Next) => {
    await new Promise<void>((resolve, reject) => {
      parse(ctx.req as Request, ctx.res as Response, (error) => (error ? reject(error) : resolve()));
    });
    Reflect.set(ctx.request, 'body', Reflect.get(ctx.req, 'body'));
    await next();
  };
}
