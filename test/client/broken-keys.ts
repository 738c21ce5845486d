// Five ways to break a key, and how each is mended. docs/client.md shows them; broken-keys.test.ts runs them.
import { idempotentFetch } from '@onceguard/client';
import { idempotentAxios } from '@onceguard/client/axios';
import { fileKeys } from '@onceguard/client/file';
import axios from 'axios';
import axiosRetry from 'axios-retry';

const headers = { 'Content-Type': 'application/json' };

// #region loop broken
export async function payInLoop(url: string, body: string): Promise<Response> {
  for (;;) {
    try {
      const key = crypto.randomUUID(); // another key at every send
      return await fetch(url, { method: 'POST', body, headers: { ...headers, 'Idempotency-Key': key } });
    } catch {
      // send it again
    }
  }
}
// #endregion

// #region loop mended
export const payOnce = idempotentFetch(); // one key for each call, however often it is sent
// payOnce(url, { method: 'POST', headers, body })
// #endregion

// #region interceptor broken
export const brokenApi = axios.create();
axiosRetry(brokenApi, { retryCondition: () => true });
brokenApi.interceptors.request.use((config) => {
  config.headers.set('Idempotency-Key', crypto.randomUUID()); // runs again for every retry
  return config;
});
// #endregion

// #region interceptor mended
export const api = axios.create();
axiosRetry(api, idempotentAxios(api)); // the key of the first send stays
// #endregion

// #region memory broken
export async function payFromMemory(url: string, orderId: string, body: string): Promise<Response> {
  const key = crypto.randomUUID(); // gone with the page or the process, so that the next one makes another
  return await payOnce(url, { method: 'POST', headers, body, idempotencyKey: `${orderId}-${key}` });
}
// #endregion

// #region memory mended
export async function payFromStore(url: string, orderId: string, body: string, folder: string): Promise<Response> {
  const pay = idempotentFetch({ keyStore: fileKeys(folder) }); // in a browser: indexedDbKeys()
  return await pay(url, { method: 'POST', headers, body, intent: orderId });
}
// #endregion

// #region payload broken
export async function payWithTime(url: string, key: string, amount: number): Promise<Response> {
  const body = JSON.stringify({ amount, sentAt: new Date() }); // another payload at every send: 422 key_reused
  return await payOnce(url, { method: 'POST', headers, body, idempotencyKey: key });
}
// #endregion

// #region payload mended
export async function payWithOrder(
  url: string,
  order: { id: string; amount: number; madeAt: Date },
): Promise<Response> {
  const body = JSON.stringify(order); // what does not change belongs to the order, and the rest into a header
  return await payOnce(url, { method: 'POST', headers, body, idempotencyKey: order.id });
}
// #endregion

// #region content broken
export async function payForCart(url: string, customer: string, amount: number): Promise<Response> {
  const key = `${customer}-${amount}`; // the same cart next week is the same key: it is never charged
  return await payOnce(url, { method: 'POST', headers, body: JSON.stringify({ amount }), idempotencyKey: key });
}
// #endregion

// #region content mended
export async function payForOrder(url: string, orderId: string, amount: number): Promise<Response> {
  const key = `order-${orderId}`; // the id is made once, when the customer begins an order
  return await payOnce(url, { method: 'POST', headers, body: JSON.stringify({ amount }), idempotencyKey: key });
}
// #endregion
