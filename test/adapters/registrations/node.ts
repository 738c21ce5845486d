// node:http without a framework in the adapter suite: what a minimal adapter is, and what the suite asks of it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createLifecycle, type HttpContext, type HttpOptions, keepRawBody } from '@onceguard/core/http';
import { headerLines, nodeExchange } from '@onceguard/core/node';
import type {
  AppSpec,
  Call,
  Framework,
  Listener,
  Reply,
} from '../../../packages/testing/src/adapter-suite/framework.js';
import { nodeHeaders } from '../../../packages/testing/src/adapter-suite/node-headers.js';

/** What option functions get. */
interface NodeRequest extends IncomingMessage {
  body?: unknown;
}

export const frameworks: readonly Framework[] = [
  {
    name: 'node:http',
    transport: 'HTTP/1',
    lacks: {
      multipart: 'node:http has no parsers.',
      jsonOfAnyType: 'node:http has no parsers.',
      innerLayers: 'node:http has no layers.',
      outerLayers: 'node:http has no layers.',
      nodeLayers: 'node:http has no layers.',
      bodyLayers: 'node:http has no layers.',
      silentLayers: 'node:http has no layers.',
      routedLayers: 'node:http has no layers.',
      timeouts: 'node:http has no layers.',
      nesting: 'node:http has no layers.',
      routers: 'node:http has no routes.',
      unrouted: 'node:http has no routes.',
    },
    listener,
    header: (native, name) => [(native as NodeRequest).headers[name.toLowerCase()]].flat()[0],
    parsedBody: (native) => (native as NodeRequest).body,
  },
];

function listener(spec: AppSpec): Listener {
  const handle = spec.plain ? runHandler : guard(spec);
  return async (req: NodeRequest, res) => {
    try {
      await parse(req, spec);
      await handle(spec, req, res);
    } catch (error) {
      sendError(spec, res, error);
    }
  };
}

type Handle = (spec: AppSpec, req: NodeRequest, res: ServerResponse, context?: HttpContext) => Promise<void>;

/** The adapter: the options make a lifecycle, which handles an exchange for each request. */
function guard({ store, options }: AppSpec): Handle {
  const lifecycle = createLifecycle<NodeRequest>({ store, scope: 'public', ...options } as HttpOptions<NodeRequest>);
  const { headerName, maxOutcomeBytes } = lifecycle.options;
  return async (spec, req, res) => {
    const keyLines = headerLines(req, headerName);
    if (!lifecycle.appliesTo(req.method, keyLines)) return await runHandler(spec, req, res);
    const run = async (context?: HttpContext) => {
      try {
        await runHandler(spec, req, res, context);
      } catch (error) {
        sendError(spec, res, error);
      }
    };
    const exchange = nodeExchange({
      req,
      res,
      originalUrl: req.url ?? '',
      keyLines,
      maxOutcomeBytes,
      storeName: store.name,
      parsedBody: () => req.body,
      hasParser: () => spec.parser !== 'none',
      passThrough: () => void run(),
      runHandler: run,
      isUnrouted: () => false,
    });
    await lifecycle.handle(req, exchange);
  };
}

const runHandler: Handle = async (spec, req, res, context) => {
  const call: Call = {
    req,
    res,
    hijack: () => {},
    native: req,
    body: req.body,
    context,
    headers: nodeHeaders(res),
    get headersSent() {
      return res.headersSent;
    },
  };
  send(res, await spec.handler(call));
};

function send(res: ServerResponse, reply: Reply): void {
  if (reply === 'raw' || reply === 'native') return;
  const { status = 200, headers = {}, body } = reply;
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (body instanceof Readable) return void body.pipe(res);
  const isData = body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array);
  if (isData && !res.hasHeader('content-type')) res.setHeader('Content-Type', 'application/json');
  res.end(isData ? JSON.stringify(body) : (body ?? undefined));
}

function sendError({ handled }: AppSpec, res: ServerResponse, error: unknown): void {
  handled?.push(error);
  if (res.headersSent) return void res.destroy();
  const { status, headers = {} } = Object(error) as { status?: unknown; headers?: Record<string, string> };
  res.statusMessage = '';
  const sent = handled === undefined && typeof status === 'number' ? { status, headers } : { status: 500 };
  send(res, { ...sent, body: handled === undefined ? 'Internal Server Error' : 'handled' });
}

const parsers: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'application/json': (bytes) => JSON.parse(bytes.toString()),
  'application/x-www-form-urlencoded': (bytes) => formOf(bytes.toString()),
  'text/plain': (bytes) => bytes.toString(),
  'application/octet-stream': (bytes) => bytes,
};

async function parse(req: NodeRequest, { parser = 'json' }: AppSpec): Promise<void> {
  if (parser === 'none') return;
  const type = req.headers['content-type']?.split(';', 1).join().trim().toLowerCase() ?? '';
  const parseBytes = parsers[type];
  if (parseBytes === undefined) return;
  const bytes = await buffer(req);
  if (parser === 'source kept') keepRawBody(req, null, bytes);
  req.body = parseBytes(bytes);
}

/** A name that occurs twice has a list of values. */
function formOf(text: string): Record<string, unknown> {
  const form = new URLSearchParams(text);
  return Object.fromEntries([...form.keys()].map((name) => [name, form.getAll(name)]));
}
