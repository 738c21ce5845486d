// The response to an order: the same from the handler and from `recover`.
import type { RecoveredResponse } from '@onceguard/core/http';
import type { Entry } from './back-office.js';
import type { Charge } from './provider.js';

export interface CompletedOrder {
  readonly order: string;
  readonly reservation: Entry;
  readonly charge: Charge;
  readonly shipment: Entry;
}

export function orderResponse({ order, reservation, charge, shipment }: CompletedOrder) {
  const body = { order, reservation: reservation.id, charge: charge.id, shipment: shipment.id };
  return {
    status: 201,
    headers: { 'Content-Type': 'application/json', Location: `/orders/${order}` },
    body: JSON.stringify(body),
  } satisfies RecoveredResponse;
}
