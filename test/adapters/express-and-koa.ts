// Express and Koa, for tests outside of the suite that need both kinds of frameworks: with middleware that calls on, and that returns.
import { type ExpressFramework, frameworks as express } from './registrations/express.js';
import { type KoaFramework, frameworks as koa } from './registrations/koa.js';

const all: readonly (ExpressFramework | KoaFramework)[] = [...express, ...koa];

export const expressAndKoa = all.filter(({ transport }) => transport === 'HTTP/1');

/** The same over HTTP/2, by the compatibility API of node:http2. */
export const expressAndKoaOverHttp2 = all.filter(({ transport }) => transport === 'HTTP/2');
