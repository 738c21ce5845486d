// The inspector on a loopback port. A random token in the address lets one person in; a cookie then takes its place.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IdempotencyStore } from '@onceguard/core';
import { inspector } from '@onceguard/inspector';

export interface InspectorServerOptions {
  readonly store: IdempotencyStore;
  /** The name on decisions. */
  readonly name: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly readOnly: boolean;
  readonly traceUrl?: (traceId: string) => string;
}

export interface InspectorServer {
  /** With the token: who opens it is let in. */
  readonly url: string;
  close(): Promise<void>;
}

const host = '127.0.0.1';

export async function serveInspector({
  store,
  name,
  port,
  readOnly,
  traceUrl,
}: InspectorServerOptions): Promise<InspectorServer> {
  const token = randomBytes(24).toString('base64url');
  const authorize = (req: IncomingMessage) => admit(req, token, name);
  const handle = inspector({ store, authorize, readOnly, ...(traceUrl && { traceUrl }) });
  const server = createServer((req, res) => handle(req, res));
  server.listen(port, host);
  await once(server, 'listening');
  const { port: listening } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${listening}/?token=${token}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Null for everybody else. The address with the token leads to the one without it, so that it is not in the browser's history. */
function admit(req: IncomingMessage, token: string, name: string): string | Response | null {
  const port = req.socket.localPort;
  // Another name for this machine would be another site's way in.
  if (req.headers.host !== `${host}:${port}`) return null;
  const cookieName = `onceguard-inspect-${port}`;
  const cookie = (req.headers.cookie ?? '').split('; ').find((pair) => pair.startsWith(`${cookieName}=`));
  if (cookie !== undefined && isSame(cookie.slice(cookieName.length + 1), token)) return name;
  const given = new URL(req.url ?? '/', `http://${host}`).searchParams.get('token') ?? '';
  if (req.method !== 'GET' || !isSame(given, token)) return null;
  const headers = { location: './', 'set-cookie': `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/` };
  return new Response(null, { status: 303, headers: { ...headers, 'referrer-policy': 'no-referrer' } });
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
