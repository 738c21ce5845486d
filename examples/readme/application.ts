// The application around the snippets of the READMEs: what a reader has of his own, here in memory.
import { randomUUID } from 'node:crypto';
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import type { RequestHandler } from 'express';
import type { Middleware } from 'koa';

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
  readonly orderId: string;
  readonly amount: number;
}

export const store: IdempotencyStore = new MemoryStore();

/** What the systems of the application were asked for, in order. */
export const calls: { readonly system: string; readonly key: string }[] = [];

export const authenticateExpress: RequestHandler = (req, _res, next) => {
  req.user = { id: 'user_alice' };
  next();
};

export const authenticateKoa: Middleware<{ user: { id: string } }> = async (ctx, next) => {
  ctx.state.user = { id: 'user_alice' };
  await next();
};

export const provider = {
  async charge(_what: unknown, { idempotencyKey, signal }: DownstreamOptions) {
    signal?.throwIfAborted();
    calls.push({ system: 'provider', key: idempotencyKey });
    return { id: `charge_${calls.length}`, receipt: `receipt_${calls.length}` };
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
  async add(_event: PaymentEvent, entry: string | { readonly key: string; readonly signal: AbortSignal }) {
    calls.push({ system: 'ledger', key: typeof entry === 'string' ? entry : entry.key });
    return calls.length;
  },
};

export async function createOrder(_order: unknown, key = 'none') {
  calls.push({ system: 'orders', key });
  return { order: `order_${calls.length}` };
}

export const event: PaymentEvent = { id: randomUUID(), amount: 20 };
export const items = ['book'];
export const amount = 20;
export const tenant = 'tenant_acme';
export const orderId: string = randomUUID();
export const receipt = (charge: { readonly receipt: string }) => charge.receipt;

const { hostname: host, port } = new URL(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
export const connection = { host, port: Number(port || 6379) };
