// A payments API on Express with the settings for money: what the client is tested against.
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryStore } from '@onceguard/core';
import type { IdempotencyStore } from '@onceguard/core/store';
import { httpPaymentPolicy, idempotency } from '@onceguard/express';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';

export interface PaymentsServer {
  readonly url: string;
  readonly port: number;
  /** The key of every charge, in their order. */
  readonly charges: string[];
  /** The key of every request that arrived, in their order. */
  readonly received: string[];
  /** Charges wait for `releaseCharges` from now on. Resolves when the first one waits. */
  holdCharges(): { readonly waiting: Promise<unknown>; release(): void };
  /** From now on the API wants this token. */
  requireToken(token: string): void;
  close(): Promise<void>;
}

interface ServerOptions {
  readonly store?: IdempotencyStore;
  readonly port?: number;
  /** Serves a page with this script, and lets pages of other origins pay. */
  readonly script?: Uint8Array;
}

export async function openPayments(options: ServerOptions = {}): Promise<PaymentsServer> {
  const { store = new MemoryStore(), port = 0, script } = options;
  const charges: string[] = [];
  const received: string[] = [];
  const events = new EventEmitter();
  let isHeld = false;
  let token = '';
  const app = express();
  if (script !== undefined) servePage(app, script);
  app.use((req: Request, res: Response, next: NextFunction) => {
    if (req.method === 'POST') received.push(req.get('idempotency-key') ?? '');
    if (token === '' || req.get('authorization') === token) next();
    else res.status(401).json({ error: 'expired' });
  });
  app.use(express.json(), express.urlencoded({ extended: false }));
  app.post('/payments', idempotency({ ...httpPaymentPolicy, store, scope: 'public', required: true }), charge);
  app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => void res.status(500).end());

  async function charge(req: Request, res: Response): Promise<void> {
    if (isHeld) {
      const released = once(events, 'release');
      events.emit('waiting');
      await released;
    }
    if (req.body.amount === 402) {
      res.status(402).json({ error: 'declined' });
      return;
    }
    if (req.body.amount === 400) {
      res.status(400).json({ error: 'no such amount' });
      return;
    }
    if (req.body.amount === 500) throw new Error('broken after the charge');
    charges.push(req.get('idempotency-key') ?? '');
    res.status(201).json({ charge: charges.length, amount: req.body.amount, filler: 'x'.repeat(2_000) });
  }

  const server = createServer(app).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const listening = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${listening}/payments`,
    port: listening,
    charges,
    received,
    holdCharges: () => {
      isHeld = true;
      return {
        waiting: once(events, 'waiting'),
        release: () => {
          isHeld = false;
          events.emit('release');
        },
      };
    },
    requireToken: (wanted) => {
      token = wanted;
    },
    close: () => closeServer(server),
  };
}

/** A page of another origin sends a preflight first, and reads no header of the answer that is not exposed. */
function servePage(app: Express, script: Uint8Array): void {
  app.get('/', (_req, res) => void res.type('html').send('<!doctype html><script src="/client.js"></script>'));
  app.get('/client.js', (_req, res) => void res.type('js').send(Buffer.from(script)));
  app.use((req: Request, res: Response, next: NextFunction) => {
    res.set('Access-Control-Allow-Origin', '*');
    res.set('Access-Control-Expose-Headers', 'Retry-After, Idempotent-Replayed, Idempotency-Recorded');
    if (req.method !== 'OPTIONS') return next();
    res.set('Access-Control-Allow-Headers', 'Idempotency-Key, Content-Type').status(204).end();
  });
}

export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/**
 * A server of plain answers, for what the real one does not send. Each request takes the next; the last one is repeated. A request that
 * comes before the `Retry-After` seconds of the answer before it are over gets 400.
 */
export async function serveAnswers(answers: readonly CannedAnswer[]): Promise<{
  readonly url: string;
  readonly keys: string[];
  close(): Promise<void>;
}> {
  const keys: string[] = [];
  let notBefore = 0;
  const server = createServer((req, res) => {
    // The clocks of the two sides may round differently.
    if (performance.now() < notBefore - 20) return void res.writeHead(400).end('too early');
    const answer = answers[Math.min(keys.length, answers.length - 1)];
    keys.push(String(req.headers['idempotency-key']));
    req.resume().on('end', () => {
      if (answer === 'silence') return;
      if (answer === undefined || answer === 'reset') return void req.socket.destroy();
      const { status, headers = {}, body = '' } = answer;
      notBefore = performance.now() + 1_000 * (Number(headers['retry-after']) || 0);
      res.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, keys, close: () => closeServer(server) };
}

export type CannedAnswer =
  | 'reset'
  | 'silence'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | object };
