// A client that sees what is on the wire: one connection per request, the reason phrase, raw headers, the bytes.
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { beginOverHttp2, http2Ports } from './http2-client.js';

export interface RequestToSend {
  readonly method?: string;
  readonly path?: string;
  readonly key?: string | undefined;
  readonly headers?: Record<string, string | string[]>;
  /** An object is sent as JSON, a string or bytes unchanged. */
  readonly body?: unknown;
}

export interface ReceivedResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly rawTrailers: readonly string[];
  readonly body: Buffer;
  readonly text: string;
  json(): Record<string, unknown>;
}

/** Default: POST /pay with `{"amount":10}`. */
export async function send(port: number, sent: RequestToSend = {}): Promise<ReceivedResponse> {
  return await receive(begin(port, sent));
}

/** Sends the same request without awaiting its response; `destroy()` disconnects. */
export function begin(port: number, sent: RequestToSend = {}): ClientRequest {
  const body = sent.body === undefined && sent.method === undefined ? { amount: 10 } : sent.body;
  const bytes = encoded(body);
  const type = isData(body) ? { 'content-type': 'application/json' } : {};
  const key = sent.key === undefined ? {} : { 'idempotency-key': sent.key };
  const isChunked = sent.headers?.['transfer-encoding'] !== undefined;
  const length = bytes === undefined || isChunked ? {} : { 'content-length': bytes.byteLength };
  const { method = 'POST', path = '/pay' } = sent;
  const headers = { ...type, ...length, ...key, ...sent.headers };
  if (http2Ports.has(port)) return beginOverHttp2(port, { method, path, headers, body: bytes });
  const outgoing = request({ host: '127.0.0.1', port, agent: false, method, path, headers });
  outgoing.end(bytes);
  return outgoing;
}

async function receive(outgoing: ClientRequest): Promise<ReceivedResponse> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  return {
    status: incoming.statusCode ?? 0,
    reason: incoming.statusMessage ?? '',
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    rawTrailers: incoming.rawTrailers,
    body: all,
    text: all.toString(),
    json: () => JSON.parse(all.toString()) as Record<string, unknown>,
  };
}

function isData(body: unknown): boolean {
  return body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
}

function encoded(body: unknown): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
