// A payments API on Express with the inspector beside it, and records in every state: what the tests of the inspector look at.
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { executeIdempotently, MemoryStore, recordName } from '@onceguard/core';
import { httpPaymentPolicy, idempotency, idempotencyOf } from '@onceguard/express';
import { type InspectorOptions, inspector } from '@onceguard/inspector';
import express, { type NextFunction, type Request, type Response } from 'express';

/** Text that would be a script if anything took it for HTML. */
export const hostile = '<img src=x onerror="document.title=\'hacked\'"><script>document.title="hacked"</script>';

export interface InspectorTestbed {
  readonly store: MemoryStore;
  /** The address of the page. */
  readonly url: string;
  readonly port: number;
  pay(key: string, body: object, headers?: Record<string, string>): Promise<globalThis.Response>;
  /** Leaves a payment whose outcome nobody knows; resolves with the name of its record. */
  leaveDoubt(key: string): Promise<string>;
  nameOf(key: string): string;
  close(): Promise<void>;
}

type TestbedOptions = Partial<Omit<InspectorOptions<Request>, 'store'>>;

/** Everybody is who the header `x-user` or the cookie `user` says; nobody without one may enter. */
function userOf(req: Request): string | null {
  return req.get('x-user') ?? /(?:^|; )user=([^;]+)/.exec(req.get('cookie') ?? '')?.[1] ?? null;
}

export async function openInspector(options: TestbedOptions = {}): Promise<InspectorTestbed> {
  const store = new MemoryStore();
  const app = express();
  app.use('/onceguard', inspector<Request>({ store, authorize: userOf, ...options }));
  app.use(express.json());
  app.post(
    '/payments',
    idempotency({ ...httpPaymentPolicy, store, scope: () => 'alice', required: true, label: labelOf }),
    pay,
  );
  app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => void res.status(500).end());
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const send: InspectorTestbed['pay'] = (key, body, headers = {}) =>
    fetch(`http://127.0.0.1:${port}/payments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
      body: JSON.stringify(body),
    });
  const nameOf = (key: string) => recordName({ scope: 'alice', key, method: 'POST', path: '/payments' });
  return {
    store,
    port,
    url: `http://127.0.0.1:${port}/onceguard/`,
    pay: send,
    nameOf,
    leaveDoubt: async (key) => {
      await send(key, { amount: 50, order: `order ${key}`, loses: true });
      return nameOf(key);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function labelOf(req: Request): string | undefined {
  return req.body.order;
}

async function pay(req: Request, res: Response): Promise<void> {
  const { step } = idempotencyOf(req);
  await step('reserve', () => ({ seat: 'A7', note: hostile }));
  if (req.body.loses)
    await step('charge', () => Promise.reject(new Error('the connection broke')), { atMostOnce: true });
  res
    .set('X-Note', hostile)
    .cookie('session', 'secret-cookie')
    .status(201)
    .json({ paid: req.body.amount, note: hostile });
}

/** Work that is at work until the returned function is called. */
export async function startWork(store: MemoryStore): Promise<() => Promise<unknown>> {
  const events = new EventEmitter();
  const begun = once(events, 'begun');
  const work = async () => {
    const ended = once(events, 'end');
    events.emit('begun');
    await ended;
    return 'settled';
  };
  const running = executeIdempotently(work, { store, scope: 'jobs', key: 'nightly', operation: 'nightly-settlement' });
  await begun;
  return () => {
    events.emit('end');
    return running;
  };
}
