// What the parsers people mount really leave of a body, over a socket, and what is made of it.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { bodyParser as koaBodyParser } from '@koa/bodyparser';
import express from 'express';
import express4 from 'express4';
import Koa from 'koa';
import oldKoaBodyParser from 'koa-bodyparser';
import Koa2 from 'koa2';
import multer from 'multer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toComparableBody } from '../../packages/core/src/http/comparable-body.js';
import { keepRawBody, rawBodyOf } from '../../packages/core/src/http/raw-body.js';
import { hasBody } from '../../packages/core/src/node/request-body.js';

function kindOf(req: IncomingMessage, parsedBody: unknown, rawBody: string | Uint8Array | undefined): string {
  const described = toComparableBody({
    headers: req.headers,
    hasBody: hasBody(req),
    readableEnded: req.readableEnded,
    parsedBody,
    rawBody,
  });
  return described.ok ? described.kind : `refused: ${described.reason.split('.', 1)[0]}`;
}

function expressApp(of: typeof express, options: { verify?: typeof keepRawBody }): RequestListener {
  const app = of();
  app.use(of.json(options), of.urlencoded({ ...options, extended: true }), multer().any());
  app.use((req, res) => void res.end(kindOf(req, req.body, rawBodyOf(req))));
  return app;
}

function koaApp(of: typeof Koa, parser: typeof koaBodyParser): RequestListener {
  const app = new of();
  app.use(parser());
  app.use((ctx) => {
    ctx.body = kindOf(ctx.req, ctx.request.body, ctx.request.rawBody);
  });
  const callback = app.callback();
  return (req, res) => void callback(req, res);
}

function rawApp(): RequestListener {
  const app = express();
  app.use(express.raw({ type: 'application/json' }), express.text({ type: '*/*' }));
  return app.use((req, res) => void res.end(kindOf(req, req.body, undefined)));
}

const keep = { verify: keepRawBody };

const apps: [string, () => RequestListener, 'json', 'form' | 'form-value'][] = [
  ['Express 4', () => expressApp(express4 as unknown as typeof express, {}), 'json', 'form-value'],
  ['Express 5', () => expressApp(express, {}), 'json', 'form-value'],
  ['Express 4 with keepRawBody', () => expressApp(express4 as unknown as typeof express, keep), 'json', 'form'],
  ['Express 5 with keepRawBody', () => expressApp(express, keep), 'json', 'form'],
  [
    'Koa 2',
    () => koaApp(Koa2 as unknown as typeof Koa, oldKoaBodyParser as unknown as typeof koaBodyParser),
    'json',
    'form',
  ],
  ['Koa 3', () => koaApp(Koa, koaBodyParser), 'json', 'form'],
];

const unread = 'refused: The request has a body that was not read';
const multipart = 'refused: A multipart body is spelled differently on every send, and its bytes were not kept';
const json = { 'content-type': 'application/json' };
const parts = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n';

describe.each(apps)('%s', (_, app, jsonKind, formKind) => {
  const send = startServer(app);

  it.each([
    ['JSON', json, '{"a":1}', jsonKind],
    ['an empty JSON object', json, '{}', jsonKind],
    ['a charset', { 'content-type': 'application/json; charset=utf-8' }, '{"a":1}', jsonKind],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=1&b=2', formKind],
    ['XML', { 'content-type': 'application/xml' }, '<a/>', unread],
    ['text', { 'content-type': 'application/octet-stream' }, 'hello', unread],
    ['JSON of a kind that nobody parses', { 'content-type': 'application/x.own+json' }, '{"a":1}', unread],
    ['no media type', {}, 'hello', unread],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, parts, multipart],
    ['no body', {}, '', 'none'],
    ['a media type without body', json, '', 'none'],
    ['compressed JSON', { ...json, 'content-encoding': 'gzip' }, gzipSync('{"a":1}'), jsonKind],
  ])('%s', async (_title, headers, body, kind) => {
    const length = body.length === 0 ? {} : { 'content-length': String(body.length) };
    expect(await send({ ...headers, ...length }, body)).toBe(kind);
    if (body.length === 0) return;
    expect(await send({ ...headers, 'transfer-encoding': 'chunked' }, body)).toBe(kind);
  });
});

describe('Express with the bodies as they are', () => {
  const send = startServer(rawApp);

  it('compares JSON bytes as JSON and text as text', async () => {
    expect(await send({ ...json, 'content-length': '7' }, '{"a":1}')).toBe('json');
    expect(await send({ 'content-type': 'application/xml', 'content-length': '4' }, '<a/>')).toBe('text');
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'transfer-encoding': 'chunked' };
    expect(await send(headers, parts)).toBe(multipart);
  });
});

function startServer(
  app: () => RequestListener,
): (headers: Record<string, string>, body: string | Buffer) => Promise<string> {
  let server: Server;
  beforeAll(async () => {
    server = createServer(app()).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => void server.close());
  return async (headers, body) => {
    const { port } = server.address() as AddressInfo;
    const sent = request({ host: '127.0.0.1', port, method: 'POST', headers, agent: false }).end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return text(response);
  };
}
