// A small server that speaks Stripe's contract for idempotent requests, and does to a script of requests what networks and servers do.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { closeServer } from './payments-server.js';

export type StripeBehaviour =
  | 'ok'
  | 'lose_request'
  | 'lose_answer'
  | 'cut'
  | 'silence'
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly error: object;
      readonly isRecorded?: boolean;
    };

export interface StripeServer {
  readonly port: number;
  /** The key of each charge. */
  readonly charges: string[];
  /** The key of each request. */
  readonly sent: string[];
  close(): Promise<void>;
}

interface Recorded {
  readonly payload: string;
  readonly status: number;
  readonly body: string;
}

/** A request beyond the script is handled without a fault. Errors are JSON without a problem document, as Stripe's are. */
export async function openStripe(script: readonly StripeBehaviour[]): Promise<StripeServer> {
  const records = new Map<string, Recorded>();
  const charges: string[] = [];
  const sent: string[] = [];

  const reply = (res: ServerResponse, status: number, body: string, headers: Record<string, string> = {}) => {
    const length = String(Buffer.byteLength(body));
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers }).end(body);
  };

  const execute = (key: string, payload: string): Recorded => {
    charges.push(key);
    const body = JSON.stringify({ id: `ch_${charges.length}`, object: 'charge', filler: 'x'.repeat(500) });
    const record = { payload, status: 200, body };
    records.set(key, record);
    return record;
  };

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const payload = await text(req);
    const key = String(req.headers['idempotency-key']);
    const behaviour = script[sent.length] ?? 'ok';
    sent.push(key);
    if (behaviour === 'lose_request') return void req.socket.destroy();
    const known = records.get(key);
    if (known !== undefined && known.payload !== payload) {
      return reply(
        res,
        400,
        JSON.stringify({ error: { type: 'idempotency_error', message: 'Keys for idempotent requests …' } }),
      );
    }
    if (known !== undefined) return reply(res, known.status, known.body, { 'idempotent-replayed': 'true' });
    if (typeof behaviour === 'object') {
      const body = JSON.stringify({ error: behaviour.error });
      if (behaviour.isRecorded) records.set(key, { payload, status: behaviour.status, body });
      return reply(res, behaviour.status, body, behaviour.headers);
    }
    const { status, body } = execute(key, payload);
    if (behaviour === 'ok') return reply(res, status, body);
    if (behaviour === 'lose_answer') return void req.socket.destroy();
    if (behaviour === 'silence') return;
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': String(body.length) });
    res.write(body.slice(0, 40), () => req.socket.destroy());
  };

  const server = createServer((req, res) => void handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, charges, sent, close: () => closeServer(server) };
}
