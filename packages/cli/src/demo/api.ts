// The payments API of the demo: an application that uses onceguard.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IdempotencyStore } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { type IdempotencyOptions, idempotencyOf, withIdempotency } from '@onceguard/web';

export interface PaymentsApi {
  /** Of the payments, which run again after a crash, and of the transfers, which then wait for a decision. */
  readonly url: string;
  readonly transfersUrl: string;
  close(): Promise<void>;
}

export async function startPaymentsApi(
  store: IdempotencyStore,
  bankUrl: string,
  leaseMs = 30_000,
): Promise<PaymentsApi> {
  const common: IdempotencyOptions = {
    store,
    // A real application takes the id of its authenticated user.
    scope: (request) => request.headers.get('x-user') ?? 'demo',
    required: true,
    leaseMs,
    onInProgress: { waitMs: 10_000 },
  };
  const charge = (request: Request) => chargeCard(request, bankUrl);
  const routes: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
    '/payments': withIdempotency(charge, { ...common, operation: 'payment' }),
    '/transfers': withIdempotency(charge, { ...common, ...httpPaymentPolicy, leaseMs, operation: 'transfer' }),
  };
  const server = createServer((req, res) => {
    void respond(req, routes)
      .catch((error: unknown) => Response.json({ error: String(error) }, { status: 500 }))
      .then((response) => send(response, res));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${base}/payments`,
    transfersUrl: `${base}/transfers`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function chargeCard(request: Request, bankUrl: string): Promise<Response> {
  const { amount } = (await request.json()) as { amount: number };
  const headers = { 'Idempotency-Key': idempotencyOf(request).deriveKey('charge') };
  const charged = await fetch(bankUrl, { method: 'POST', headers });
  if (!charged.ok) {
    const error = 'The bank did not take the payment. Nothing was charged; try again.';
    return Response.json({ error }, { status: 502 });
  }
  return Response.json({ amount, receipt: await charged.text() }, { status: 201 });
}

async function respond(
  req: IncomingMessage,
  routes: Readonly<Record<string, (request: Request) => Promise<Response>>>,
): Promise<Response> {
  const { url = '/', method = 'GET' } = req;
  const handle = routes[url];
  if (handle === undefined || method !== 'POST')
    return new Response('There are POST /payments and POST /transfers.\n', { status: 404 });
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const headers = Object.entries(req.headers).map(([name, value]): [string, string] => [name, String(value)]);
  return await handle(new Request(`http://127.0.0.1${url}`, { method, headers, body: Buffer.concat(chunks) }));
}

async function send(response: Response, res: ServerResponse): Promise<void> {
  res.writeHead(response.status, Object.fromEntries(response.headers)).end(Buffer.from(await response.arrayBuffer()));
}
