// Popular HTTP clients with the helpers of the package, each as one function that posts an order and says which status it ended with.
import { idempotentAxios } from '@onceguard/client/axios';
import { idempotentGot } from '@onceguard/client/got';
import { idempotentKy } from '@onceguard/client/ky';
import { idempotentMutation } from '@onceguard/client/tanstack-query';
import { idempotencyKeys, idempotentRetry } from '@onceguard/client/undici';
import { MutationObserver, QueryClient } from '@tanstack/query-core';
import axios, { isAxiosError } from 'axios';
import axiosRetry from 'axios-retry';
import got, { RequestError } from 'got';
import ky, { HTTPError } from 'ky';

export interface Order {
  readonly amount: number;
}

/** Resolves with the status that the application sees, also of an error; 0 where there was no response. */
export type PostOrder = (url: string, order: Order) => Promise<number>;

const nodeMajor = Number(process.versions.node.split('.')[0]);

export const clients: readonly (readonly [name: string, post: PostOrder])[] = [
  ['axios with axios-retry', withAxios()],
  ['ky', withKy()],
  ['got', withGot()],
  ['undici 7', withUndici('undici7')],
  // It does not load on an older Node.
  ...(nodeMajor < 22 ? [] : [['undici 8', withUndici('undici')] as const]),
  ['TanStack Query', withTanstackQuery()],
];

function withAxios(): PostOrder {
  const api = axios.create();
  axiosRetry(api, idempotentAxios(api));
  return async (url, order) => {
    const response = await api.post(url, order).catch((error: unknown) => {
      if (isAxiosError(error)) return error.response ?? { status: 0 };
      throw error;
    });
    return response.status;
  };
}

function withKy(): PostOrder {
  const api = ky.create(idempotentKy());
  return async (url, order) => {
    const response = await api.post(url, { json: order }).catch((error: unknown) => {
      if (error instanceof HTTPError) return error.response;
      throw error;
    });
    return response.status;
  };
}

function withGot(): PostOrder {
  const api = got.extend(idempotentGot());
  return async (url, order) => {
    const response = await api.post(url, { json: order }).catch((error: unknown) => {
      if (error instanceof RequestError) return error.response ?? { statusCode: 0 };
      throw error;
    });
    return response.statusCode;
  };
}

function withUndici(name: 'undici' | 'undici7'): PostOrder {
  return async (url, order) => {
    const { Agent, interceptors, request }: typeof import('undici') = await import(name);
    const dispatcher = new Agent().compose(interceptors.retry(idempotentRetry()), idempotencyKeys());
    const headers = { 'content-type': 'application/json' };
    try {
      const response = await request(url, { method: 'POST', headers, body: JSON.stringify(order), dispatcher });
      await response.body.dump();
      return response.statusCode;
    } catch (error) {
      return Number(Reflect.get(Object(error), 'statusCode') ?? 0);
    } finally {
      await dispatcher.close();
    }
  };
}

/** What `send` of an application throws for a response that is not of the kind 2xx. */
class ResponseError extends Error {
  readonly response: Response;
  readonly data: unknown;

  constructor(response: Response, data: unknown) {
    super(`status ${response.status}`);
    this.response = response;
    this.data = data;
  }
}

export async function sendOrder(url: string, order: Order, idempotencyKey: string): Promise<number> {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(order) });
  const text = await response.text();
  if (!response.ok) throw new ResponseError(response, text);
  return response.status;
}

function withTanstackQuery(): PostOrder {
  const client = new QueryClient();
  return async (url, order) => {
    const options = idempotentMutation((sent: Order, { idempotencyKey }) => sendOrder(url, sent, idempotencyKey));
    const observer = new MutationObserver(client, options);
    return await observer.mutate(order).catch((error: unknown) => {
      if (error instanceof ResponseError) return error.response.status;
      throw error;
    });
  };
}
