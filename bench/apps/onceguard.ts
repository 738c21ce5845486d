// onceguard as its documentation shows it.
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency } from '@onceguard/express';
import type { Express } from 'express';
import { paymentsApp } from './payment.js';

export interface OnceguardOptions {
  /** How long records live; default a day. */
  readonly ttlMs?: number | undefined;
  /** How long a duplicate waits for the answer; default: it is told to come back. */
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
