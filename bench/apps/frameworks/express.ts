import type { RequestListener } from 'node:http';
import type { IdempotencyStore } from '@onceguard/core';
import { onceguardApp } from '../onceguard.js';
import { paymentsApp } from '../payment.js';

export function expressApp(store: IdempotencyStore | null): RequestListener {
  return store === null ? paymentsApp(null) : onceguardApp(store);
}
