// onceguard as its documentation shows it.
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency } from '@onceguard/express';
import type { Express } from 'express';
import { paymentsApp } from './payment.js';

export interface OnceguardOptions {
  /** The lifetime of records; default a day. */
  readonly ttlMs?: number | undefined;
  /** How long a duplicate waits for the response; default: it gets 409 at once. */
  readonly waitMs?: number | undefined;
}

export function onceguardApp(store: IdempotencyStore, { ttlMs, waitMs }: OnceguardOptions = {}): Express {
  return paymentsApp(
    idempotency({
      store,
      scope: () => 'account_42',
      ...(ttlMs !== undefined && { ttlMs, leaseMs: ttlMs }),
      ...(waitMs !== undefined && { onInProgress: { waitMs } }),
    }),
  );
}
