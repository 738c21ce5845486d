// The inspector for frameworks on node:http: Express, Connect, Koa (with its raw request and response), Fastify with middie.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api-error.js';
import { createInspect } from './handler.js';
import type { InspectorOptions } from './options.js';
import { plainResponse } from './responses.js';

/** What Express and its relatives add to a request. */
interface MountedRequest extends IncomingMessage {
  /** The address before a router cut off the path that it is mounted at. */
  readonly originalUrl?: string;
  /** What a body parser made of the body. */
  readonly body?: unknown;
}

const maxBodyBytes = 2_000_000;

/**
 * The inspector as middleware of node:http: `(req, res, next)`. Mount it at a path of its own. Body parsers may run before it.
 *
 * `authorize` gets the request of the framework, with what earlier middleware put on it. Everything else is as for `inspectorHandler`.
 * `next` is called only with an error that `authorize` threw; without `next` such an error is a 500.
 *
 * @example
 * app.use('/onceguard', inspector({ store, authorize: (req) => (req.user?.isAdmin ? req.user.email : null) }));
 */
export function inspector<Req extends IncomingMessage = IncomingMessage>(
  options: InspectorOptions<Req>,
): (req: Req, res: ServerResponse, next?: (error?: unknown) => void) => void {
  const inspect = createInspect<Req>('inspector()', options);
  return (req, res, next) => {
    void toRequest(req)
      .then((request) => inspect(request, req))
      .then((response) => send(response, req, res))
      .catch((error: unknown) => {
        if (error instanceof ApiError) return send(plainResponse(error.status, error.message), req, res);
        if (next !== undefined) return next(error);
        return send(plainResponse(500, 'The inspector failed. The log of the server says why.'), req, res);
      });
  };
}

async function toRequest(req: MountedRequest): Promise<Request> {
  const isSecure = 'encrypted' in req.socket && req.socket.encrypted === true;
  const host = req.headers.host ?? 'localhost';
  const path = (req.originalUrl ?? req.url ?? '/').replace(/^\/*/, '/');
  const url = `${isSecure ? 'https' : 'http'}://${host}${path}`;
  if (!URL.canParse(url)) throw new ApiError(400, 'The address of the request is not valid.');
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    if (!name.startsWith(':')) for (const line of [value ?? []].flat()) headers.append(name, line);
  }
  const { method = 'GET' } = req;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(url, { method, headers, ...(hasBody ? { body: await readBody(req) } : {}) });
}

/** The body, also where a parser has read it before. */
async function readBody(req: MountedRequest): Promise<string | Uint8Array<ArrayBuffer>> {
  const { body } = req;
  if (body !== undefined && req.readableEnded) return typeof body === 'string' ? body : JSON.stringify(body);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req) {
    length += chunk.length;
    if (length > maxBodyBytes) throw new ApiError(413, 'The call of the page is too large.');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

async function send(response: Response, req: IncomingMessage, res: ServerResponse): Promise<void> {
  res.statusCode = response.status;
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') res.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.setHeader('set-cookie', cookies);
  const body = Buffer.from(await response.arrayBuffer());
  res.end(req.method === 'HEAD' ? undefined : body);
}
