// The snippet about messages and events of packages/lambda/README.md. What is between the marks is an exact copy: change both.
import { createOrder, store } from '../application.js';

// #region snippet

import { makeIdempotent } from '@onceguard/core';
import { idempotentSqs } from '@onceguard/lambda';
import type { EventBridgeEvent } from 'aws-lambda';

export const onMessage = idempotentSqs(
  async (record, { deriveKey }) => {
    await createOrder(JSON.parse(record.body), deriveKey('order'));
  },
  { store, scope: 'orders', key: (record) => JSON.parse(record.body).orderId, ttlMs: 14 * 86_400_000 },
);

export const onEvent = makeIdempotent(
  async (event: EventBridgeEvent<'paid', { id: string }>, { deriveKey }) => {
    await createOrder(event.detail, deriveKey('order'));
  },
  { store, scope: 'billing', key: (event) => event.detail.id, fingerprint: (event) => event.detail, leaseMs: 10_000 },
);

// #endregion
