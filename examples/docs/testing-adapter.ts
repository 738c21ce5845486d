// A program of docs/testing.md. What is between the marks is an exact copy: change both.

// #region snippet

import { Readable } from 'node:stream';
import { idempotency } from '@onceguard/express';
import { type AppSpec, adapterSuite, type Call, type Framework, nodeHeaders } from '@onceguard/testing/adapters';
import express, { type Request, type Response } from 'express';

/** An application that the suite describes. Handlers of the suite return a response, which the framework sends in its own way. */
function makeApplication({ store, options, handler, parser, plain, env = 'test' }: AppSpec) {
  const app = express().set('env', env);
  if (parser !== 'none') app.use(express.json(), express.urlencoded({ extended: true }), express.text(), express.raw());
  if (!plain) app.use(idempotency({ store, scope: 'public', ...(options as object) }));
  return app.all(/.*/, async (req, res) => {
    const reply = await handler(callOf(req, res));
    if (typeof reply === 'string') return; // it has responded itself
    res.status(reply.status ?? 200).set(reply.headers ?? {});
    if (reply.body instanceof Readable) reply.body.pipe(res);
    else res.send(reply.body);
  });
}

function callOf(req: Request, res: Response): Call {
  const { headersSent } = res;
  const headers = nodeHeaders(res);
  return { req, res, native: req, body: req.body, context: req.idempotency, headers, headersSent, hijack() {} };
}

const noLayers = 'This registration has no layers.';
const framework: Framework = {
  name: 'Express',
  transport: 'HTTP/1',
  lacks: {
    outerLayers: noLayers,
    innerLayers: noLayers,
    nodeLayers: noLayers,
    bodyLayers: noLayers,
    silentLayers: noLayers,
    routedLayers: noLayers,
    nesting: noLayers,
    timeouts: noLayers,
    errorHandler: 'This registration has no error handler.',
    routers: 'This registration has no routers.',
    unrouted: 'This registration has a route for every path.',
    multipart: 'This registration has no parser of multipart bodies.',
    keptSource: 'This registration keeps no source of a body.',
    jsonOfAnyType: 'This registration parses JSON by its type.',
    handlerEnd: 'Express does not tell when a handler has ended.',
  },
  listener: makeApplication,
  header: (request, name) => (request as Request).get(name),
  parsedBody: (request) => (request as Request).body,
};

adapterSuite({ framework });

// #endregion
