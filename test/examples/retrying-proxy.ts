// A small proxy that sends every request again, also a POST, when its server does not respond in time or responds with a 5xx: as nginx does
// with `proxy_next_upstream error timeout http_500 non_idempotent`.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface RetryingProxy {
  readonly url: string;
  /** How often it has sent a request to a server. */
  readonly sent: () => number;
  close(): Promise<void>;
}

export async function startRetryingProxy(
  target: string,
  { timeoutMs, tries }: { timeoutMs: number; tries: number },
): Promise<RetryingProxy> {
  let sent = 0;
  const sendOnce = async (path: string, init: RequestInit): Promise<Response | null> => {
    sent += 1;
    const response = await fetch(`${target}${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) }).catch(
      () => null,
    );
    return response !== null && response.status < 500 ? response : null;
  };
  const forward = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await buffer(req);
    const headers = {
      'content-type': String(req.headers['content-type']),
      'idempotency-key': String(req.headers['idempotency-key']),
    };
    let response: Response | null = null;
    for (let left = tries; response === null && left > 0; left -= 1)
      response = await sendOnce(req.url ?? '/', { method: req.method ?? 'POST', headers, body: Uint8Array.from(body) });
    if (response === null) return void res.writeHead(504).end();
    const bytes = Buffer.from(await response.arrayBuffer());
    const replayed = response.headers.get('idempotent-replayed');
    res.writeHead(response.status, replayed === null ? {} : { 'idempotent-replayed': replayed });
    res.end(bytes);
  };
  const server = createServer((req, res) => void forward(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sent: () => sent,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
