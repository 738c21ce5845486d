// AWS Lambda in the adapter suite: a bridge makes the events of API Gateway from requests, and responses from the results.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { idempotencyOf, withIdempotency } from '@onceguard/lambda';
import type {
  AppSpec,
  Call,
  Framework,
  GivenReply,
  Listener,
  Reply,
  ResponseHeaders,
} from '../../../packages/testing/src/adapter-suite/framework.js';

interface Event {
  readonly requestContext: object;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly isBase64Encoded: boolean;
}

interface Result {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** One kind of API: how it makes an event, and how it expects several lines of a header. */
interface Gateway {
  eventOf(req: IncomingMessage, body: Buffer): Event;
  linesAsResult(
    lines: Readonly<Record<string, string | string[]>>,
  ): Pick<Result, 'headers' | 'multiValueHeaders' | 'cookies'>;
}

const noLayers = 'A handler of Lambda has no layers; middy has.';
const noServer = 'A handler of Lambda has no response of node:http.';
const noStreams = 'A result is complete when a handler returns it.';
const noRoutes = 'A function is behind the routes of API Gateway.';
const noParsers = 'An event has the body as the client sent it.';

const lacks: Framework['lacks'] = {
  raw: noServer,
  errorsAfterHijack: noServer,
  reasonPhrases: 'API Gateway sends the usual reason phrase.',
  emptyReasonPhrases: 'API Gateway sends the usual reason phrase.',
  disconnects: 'Lambda does not tell that a client has disconnected.',
  streaming: noStreams,
  trailers: noStreams,
  trailersWithoutBody: noStreams,
  unparsedBodies: noParsers,
  jsonOfAnyType: noParsers,
  multipart: noParsers,
  outerLayers: noLayers,
  innerLayers: noLayers,
  nodeLayers: noLayers,
  bodyLayers: noLayers,
  silentLayers: noLayers,
  routedLayers: noLayers,
  timeouts: noLayers,
  nesting: noLayers,
  routers: noRoutes,
  unrouted: noRoutes,
};

export const frameworks: readonly Framework[] = [
  onLambda('Lambda behind a REST API', {
    eventOf: (req, body) => {
      const { path, query } = targetOf(req);
      return {
        ...bodyOf(body),
        ...{ httpMethod: req.method, path, multiValueQueryStringParameters: queryLists(query) },
        headers: headersOf(req),
        ...{ multiValueHeaders: req.headersDistinct },
        requestContext: { stage: 'test' },
      };
    },
    linesAsResult: (lines) => ({
      multiValueHeaders: Object.fromEntries(Object.entries(lines).map(([name, value]) => [name, [value].flat()])),
    }),
  }),
  onLambda(
    'Lambda behind an HTTP API',
    {
      eventOf: (req, body) => {
        const { path, query } = targetOf(req);
        return {
          ...bodyOf(body),
          ...{ version: '2.0', rawPath: path, rawQueryString: query },
          headers: headersOf(req),
          requestContext: { http: { method: req.method } },
        };
      },
      linesAsResult: ({ 'set-cookie': cookies = [], ...lines }) => ({
        headers: Object.fromEntries(Object.entries(lines).map(([name, value]) => [name, [value].flat().join(', ')])),
        cookies: [cookies].flat(),
      }),
    },
    { headerLines: 'HTTP APIs and function URLs join the lines of a header by commas.' },
  ),
];

function onLambda(name: string, gateway: Gateway, lacksToo: Framework['lacks'] = {}): Framework {
  return {
    name,
    transport: 'HTTP/1',
    lacks: { ...lacks, ...lacksToo },
    listener: (spec) => listener(spec, gateway),
    header: (native, header) => (native as Event).headers[header.toLowerCase()],
    parsedBody: (native) => parse(native as Event),
  };
}

function listener(spec: AppSpec, gateway: Gateway): Listener {
  const pending = new Map<Event, IncomingMessage>();
  const handle = async (event: Event): Promise<Result> => {
    const headers: Record<string, string | string[]> = {};
    const call = callOf(event, pending.get(event) as IncomingMessage, responseHeaders(headers), spec);
    return await resultOf(await respond(call, spec), headers, gateway);
  };
  const options = { store: spec.store, scope: 'public', ...spec.options } as Parameters<
    typeof withIdempotency<Event, never, Result>
  >[1];
  const invoke = spec.plain ? handle : withIdempotency<Event, Context, Result>(handle, options);
  return async (req, res) => {
    const event = gateway.eventOf(req, await buffer(req));
    pending.set(event, req);
    try {
      send(res, await invoke(event, context));
    } catch (error) {
      spec.handled?.push(error);
      const body = spec.handled === undefined ? '{"message":"Internal Server Error"}' : 'handled';
      send(res, { statusCode: 500, body, isBase64Encoded: false });
    } finally {
      pending.delete(event);
    }
  };
}

interface Context {
  getRemainingTimeInMillis(): number;
}

const context: Context = { getRemainingTimeInMillis: () => 900_000 };

function callOf(event: Event, req: IncomingMessage, headers: ResponseHeaders, { plain }: AppSpec): Call {
  return {
    req,
    get res(): ServerResponse {
      throw new Error(noServer);
    },
    hijack: () => {},
    native: event,
    body: parse(event),
    context: plain ? undefined : contextOf(event),
    headers,
    headersSent: false,
  };
}

/** Undefined where the request has no key. */
function contextOf(event: Event): Call['context'] {
  try {
    return idempotencyOf(event);
  } catch {
    return undefined;
  }
}

/** An error with a status is a response of the handler's own error handling. */
async function respond(call: Call, { handler, handled }: AppSpec): Promise<GivenReply> {
  try {
    const reply: Reply = await handler(call);
    if (reply === 'raw' || reply === 'native') throw new Error(noServer);
    return reply;
  } catch (error) {
    const { status, headers = {} } = Object(error) as { status?: unknown; headers?: Record<string, string> };
    if (handled !== undefined || typeof status !== 'number') throw error;
    return { status, headers, body: 'error' };
  }
}

async function resultOf(reply: GivenReply, set: Record<string, string | string[]>, gateway: Gateway): Promise<Result> {
  const { status = 200, headers = {}, body } = reply;
  const bytes = body instanceof Readable ? await buffer(body) : body instanceof Uint8Array ? Buffer.from(body) : null;
  const isData = bytes === null && typeof body === 'object' && body !== null;
  const lines = { ...set, ...lowerCase(headers) };
  if (isData) lines['content-type'] ??= 'application/json';
  const text = isData ? JSON.stringify(body) : String(body ?? '');
  return {
    statusCode: status,
    ...gateway.linesAsResult(lines),
    body: bytes?.toString('base64') ?? text,
    isBase64Encoded: bytes !== null,
  };
}

function responseHeaders(lines: Record<string, string | string[]>): ResponseHeaders {
  return {
    get: (name) => [lines[name.toLowerCase()]].flat().join(', ') || undefined,
    set: (name, value) => {
      lines[name.toLowerCase()] = value;
    },
    remove: (name) => void Reflect.deleteProperty(lines, name.toLowerCase()),
  };
}

function send(res: ServerResponse, result: Result): void {
  res.statusCode = result.statusCode;
  const { headers = {}, multiValueHeaders = {}, cookies = [] } = result;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  for (const [name, value] of Object.entries(multiValueHeaders)) res.setHeader(name, [...value]);
  if (cookies.length > 0) res.setHeader('Set-Cookie', [...cookies]);
  res.end(Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8'));
}

function targetOf({ url = '/' }: IncomingMessage): { path: string; query: string } {
  const [path = '/', ...query] = url.split('?');
  return { path: decodeURIComponent(path), query: query.join('?') };
}

function queryLists(query: string): Record<string, string[]> {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries([...parameters.keys()].map((name) => [name, parameters.getAll(name)]));
}

function bodyOf(body: Buffer): Pick<Event, 'body' | 'isBase64Encoded'> {
  return { body: body.length === 0 ? null : body.toString('base64'), isBase64Encoded: true };
}

function headersOf(req: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(req.headersDistinct).map(([name, lines = []]) => [name, lines.join(',')]));
}

function lowerCase<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function parse({ headers, body }: Event): unknown {
  if (body === null) return undefined;
  const bytes = Buffer.from(body, 'base64');
  const type = headers['content-type']?.split(';', 1).join().trim().toLowerCase() ?? '';
  if (type === 'application/json') return JSON.parse(bytes.toString());
  if (type === 'application/x-www-form-urlencoded') return Object.fromEntries(new URLSearchParams(bytes.toString()));
  return type === 'application/octet-stream' ? bytes : bytes.toString();
}
