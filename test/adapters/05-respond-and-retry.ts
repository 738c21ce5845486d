// Requirement 5: sends one request to which a handler or a layer responds, then its retry, and counts the effects.
import { drainStore } from '@onceguard/core';
import type { NextFunction, Request, Response } from 'express';
import type { Context, Next } from 'koa';
import type { Testbed } from './framework-matrix.js';
import type { AppSpec, Handler, Options } from './frameworks.js';
import { newGate } from './gate.js';
import { type ReceivedResponse, send } from './http-client.js';

/** A response; null for none. `unrouted`: nobody responds, and the framework sends its 404. */
export interface GivenResponse {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
  readonly isUnrouted?: true;
}

/**
 * Who responds, and when. `before`: an inner layer, instead of the handler. `during`: a layer, while the handler runs
 * and after its effect; on Koa an outer layer, so that Koa sees the handler running. `during, unnoticed`: the same from
 * an inner layer. `after`: the handler itself, after its effect. `after nothing`: the handler, without its effect and
 * after markNothingHappened.
 */
export type ResponseMoment = 'before' | 'during' | 'during, unnoticed' | 'after' | 'after nothing';

export interface RespondAndRetryResult {
  readonly first: ReceivedResponse | null;
  /** What the retry got, once the handler had ended. */
  readonly retry: 'replayed' | 'runs' | 'unknown';
  readonly effects: number;
}

/** Sends a request with this response, and its retry, to which the handler responds with 201. */
export async function respondAndRetry(
  testbed: Testbed,
  response: GivenResponse | null,
  when: ResponseMoment,
  options: Options,
): Promise<RespondAndRetryResult> {
  const { store } = await testbed.openStore();
  const [began, mayEnd, ended] = [newGate(), newGate(), newGate()];
  let [requests, effects] = [0, 0];
  const handler: Handler = async ({ context, res, native }) => {
    const isFirst = requests === 1;
    if (isFirst && when === 'after nothing') context?.markNothingHappened();
    else effects += 1;
    began.open();
    if (!isFirst) return { status: 201, body: { effects } };
    if (when.startsWith('during')) {
      await mayEnd.opened;
      ended.open();
      return 'native';
    }
    if (response === null) res.destroy();
    if (response === null || response.isUnrouted) return 'raw' in native ? 'native' : 'raw';
    return response;
  };
  const isFirst = () => ++requests === 1;
  const { port } = await testbed.start({
    store,
    handler,
    options,
    ...respondingLayer(testbed, response, when, isFirst, began.opened),
  });
  const first = await send(port, { key: 'payment-1' }).catch(() => null);
  mayEnd.open();
  if (when.startsWith('during')) await ended.opened;
  await drainStore(store);
  return { first, retry: kindOf(await send(port, { key: 'payment-1' })), effects };
}

function kindOf(retry: ReceivedResponse): RespondAndRetryResult['retry'] {
  if (retry.headers['idempotent-replayed'] === 'true') return 'replayed';
  if (retry.status === 409 && retry.json().code === 'outcome_unknown') return 'unknown';
  if (retry.status === 201) return 'runs';
  throw new Error(`The retry got ${retry.status}: ${retry.text}`);
}

/** The layer that responds, unless the handler does. It counts the requests in any case. */
function respondingLayer(
  { framework }: Testbed,
  response: GivenResponse | null,
  when: ResponseMoment,
  isFirst: () => boolean,
  began: Promise<void>,
): Pick<AppSpec, 'inner' | 'outer'> {
  const express = (_req: Request, res: Response, next: NextFunction) => {
    const acts = isFirst() && !when.startsWith('after');
    if (acts && when === 'before') return response?.isUnrouted ? next('router') : respondExpress(res, response);
    if (acts) void began.then(() => respondExpress(res, response));
    next();
  };
  const koa = async (ctx: Context, next: Next) => {
    if (!isFirst() || when.startsWith('after')) return await next();
    if (when === 'before') return respondKoa(ctx, response);
    await Promise.race([next(), began.then(() => respondKoa(ctx, response))]);
  };
  if (framework.family === 'express') return { inner: [express] };
  return when === 'during' ? { outer: [koa] } : { inner: [koa] };
}

function respondExpress(res: Response, response: GivenResponse | null): void {
  if (response === null) res.destroy();
  else
    res
      .status(response.status)
      .set(response.headers ?? {})
      .send(response.body);
}

function respondKoa(ctx: Context, response: GivenResponse | null): void {
  if (response === null) ctx.res.destroy();
  if (response === null || response.isUnrouted) return;
  ctx.status = response.status;
  ctx.set(response.headers ?? {});
  ctx.body = response.body;
}
