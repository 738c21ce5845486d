// The application around the programs of the documents, in memory: what a reader has already.
import { randomUUID } from 'node:crypto';
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import type { Job } from 'bullmq';
import type { RequestHandler } from 'express';
import type { Middleware } from 'koa';
import type Stripe from 'stripe';

declare global {
  namespace Express {
    interface Request {
      user: { id: string };
    }
  }
}

interface DownstreamOptions {
  readonly idempotencyKey: string;
  readonly signal?: AbortSignal;
}

export interface PaymentEvent {
  readonly id: string;
  readonly amount: number;
}

export interface Order {
  readonly id: string;
  readonly orderId: string;
  readonly items: readonly string[];
  readonly amount: number;
  readonly cents: number;
}

export class CardRefused extends Error {}

export const store: IdempotencyStore = new MemoryStore();

/** The calls that the systems of the application received, in order. */
export const calls: { readonly system: string; readonly key: string }[] = [];

export const authenticateExpress: RequestHandler = (req, _res, next) => {
  req.user = { id: 'user_alice' };
  next();
};

export const authenticateKoa: Middleware<{ user: { id: string } }> = async (ctx, next) => {
  ctx.state.user = { id: 'user_alice' };
  await next();
};

/** In this application everybody may pay and order. */
export const mayPay: RequestHandler = (_req, _res, next) => next();

export const authorizeKoa: Middleware = async (_ctx, next) => {
  await next();
};

export const provider = {
  async charge(_what: unknown, { idempotencyKey, signal }: DownstreamOptions) {
    signal?.throwIfAborted();
    calls.push({ system: 'provider', key: idempotencyKey });
    return { id: `charge_${calls.length}`, receipt: `receipt_${calls.length}` };
  },
  async findCharge({ idempotencyKey }: DownstreamOptions): Promise<{ id: string; status: string } | undefined> {
    calls.push({ system: 'look-up', key: idempotencyKey });
    return { id: 'charge_found', status: 'succeeded' };
  },
};

export const stock = {
  async reserve(_items: readonly string[], { idempotencyKey }: DownstreamOptions) {
    calls.push({ system: 'stock', key: idempotencyKey });
    return { id: `hold_${calls.length}` };
  },
};

export const mailer = {
  async send(receipt: string) {
    calls.push({ system: 'mailer', key: receipt });
  },
};

export const ledger = {
  async add(_event: { readonly id: string }, entry: string | { readonly key: string; readonly signal: AbortSignal }) {
    calls.push({ system: 'ledger', key: typeof entry === 'string' ? entry : entry.key });
    return calls.length;
  },
};

export const log = {
  warn(facts: unknown) {
    calls.push({ system: 'log', key: JSON.stringify(facts) });
  },
};

export async function handle(job: Job<Order>) {
  return job.data.orderId;
}

/** Work that breaks off, as if its server had died. */
export async function charge(_order: Order): Promise<{ charge: string }> {
  throw new Error('the connection to the provider broke');
}

export async function createOrder(_order: unknown, key = 'none') {
  calls.push({ system: 'orders', key });
  return { order: `order_${calls.length}` };
}

export const event: PaymentEvent = { id: randomUUID(), amount: 20 };
/** Stripe counts `pending_webhooks` down from one delivery to the next. */
export const stripeEvent = {
  id: `evt_${randomUUID()}`,
  type: 'payment_intent.succeeded',
  data: { object: { id: 'pi_1', amount: 2_000 } },
  pending_webhooks: 2,
} as unknown as Stripe.Event;
export const order: Order = { id: randomUUID(), orderId: randomUUID(), items: ['book'], amount: 20, cents: 2_000 };
export const items = order.items;
export const amount = 20;
export const tenant = 'tenant_acme';
export const otherTenant = 'tenant_other';
export const orderId: string = randomUUID();
export const receipt = (charge: { readonly receipt: string }) => charge.receipt;

const { hostname: host, port } = new URL(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
export const connection = { host, port: Number(port || 6379) };
