// What the tests of key stores have in common: storages in memory, a network that is gone, and an order that is paid.
import type { IdempotentFetch, StringStorage } from '@onceguard/client';

/** A storage with asynchronous methods, as AsyncStorage has them. */
export function stringStorage(): StringStorage & { readonly values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    get: async (name) => values.get(name),
    set: async (name, value) => void values.set(name, value),
    delete: async (name) => void values.delete(name),
  };
}

/** A storage as the browser has it. */
export function webStorage() {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (name: string) => values.get(name) ?? null,
    setItem: (name: string, value: string) => void values.set(name, value),
    removeItem: (name: string) => void values.delete(name),
  };
}

export const lost: typeof fetch = () => Promise.reject(new TypeError('the network is gone'));

export interface PaidOrder {
  readonly amount?: number;
  readonly intent?: string;
  readonly headers?: Record<string, string>;
}

export async function payOrder(pay: IdempotentFetch, url: string, order: PaidOrder = {}): Promise<Response> {
  const { amount = 20, intent = 'order-1', headers } = order;
  const body = JSON.stringify({ amount });
  return await pay(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body, intent });
}
