// Requirement 5: layers that send a time-out response while the handler works.
import timeout from 'connect-timeout';
import type { Request, RequestHandler, Response } from 'express';
import type { Context, Next } from 'koa';
import type { Testbed } from './framework-matrix.js';
import type { AppSpec, Handler, Options } from './frameworks.js';
import { newGate } from './gate.js';
import { type ReceivedResponse, send } from './http-client.js';

/** A layer that responds once the time is up, outside or inside of the idempotency middleware. */
export interface TimeoutLayer {
  readonly family: 'express' | 'koa';
  /** The status that it sends. */
  readonly status: number;
  mount(timeIsUp: () => Promise<void>): Pick<AppSpec, 'outer' | 'inner'>;
}

/** connect-timeout. The test triggers the time-out that its own timer would trigger. */
function connectTimeout(timeIsUp: () => Promise<void>): readonly RequestHandler[] {
  const expire: RequestHandler = (req, _res, next) => {
    void timeIsUp().then(() => req.emit('timeout', 3_600_000));
    next();
  };
  return [timeout('1h'), expire];
}

const expressTimer = (status: number, timeIsUp: () => Promise<void>): RequestHandler => {
  const layer = (_req: Request, res: Response, next: () => void) => {
    void timeIsUp().then(() => res.headersSent || res.status(status).json({ error: 'Time is up.' }));
    next();
  };
  return layer;
};

const koaRace = (status: number, timeIsUp: () => Promise<void>) => async (ctx: Context, next: Next) =>
  await Promise.race([next(), timeIsUp().then(() => ctx.throw(status, 'Time is up.'))]);

const koaTimer = (status: number, timeIsUp: () => Promise<void>) => async (ctx: Context, next: Next) => {
  void timeIsUp().then(() => {
    ctx.res.statusCode = status;
    ctx.res.end('Time is up.');
  });
  await next();
};

export const timeoutLayers: Readonly<Record<string, TimeoutLayer>> = {
  'connect-timeout inside': { family: 'express', status: 503, mount: (up) => ({ inner: connectTimeout(up) }) },
  'connect-timeout outside': { family: 'express', status: 503, mount: (up) => ({ outer: connectTimeout(up) }) },
  'an inner timer that sends 408': {
    family: 'express',
    status: 408,
    mount: (up) => ({ inner: [expressTimer(408, up)] }),
  },
  'an outer timer that sends 408': {
    family: 'express',
    status: 408,
    mount: (up) => ({ outer: [expressTimer(408, up)] }),
  },
  'an inner race that throws 408': { family: 'koa', status: 408, mount: (up) => ({ inner: [koaRace(408, up)] }) },
  'an outer race that throws 408': { family: 'koa', status: 408, mount: (up) => ({ outer: [koaRace(408, up)] }) },
  'an outer race that throws 504': { family: 'koa', status: 504, mount: (up) => ({ outer: [koaRace(504, up)] }) },
  'an inner timer that ends the response with 408': {
    family: 'koa',
    status: 408,
    mount: (up) => ({ inner: [koaTimer(408, up)] }),
  },
};

/** Whether the framework knows that the handler still works: Koa does, unless an inner race hides it. */
export function frameworkSeesHandlerWorking({ framework }: Testbed, title: string): boolean {
  return framework.family === 'koa' && title !== 'an inner race that throws 408';
}

export interface TimedOutRequest {
  readonly port: number;
  readonly store: AppSpec['store'];
  /** The layer's response, while the handler of attempt 1 works. */
  readonly first: ReceivedResponse;
  /** The attempts whose handler has begun. */
  readonly attempts: readonly number[];
  /** Lets the handler of attempt 1 end; resolves when it has ended. */
  finish(): Promise<void>;
}

/** Attempt 1 works until `finish`; its time is up while it works. Later attempts respond with 200 and their number. */
export async function timeOutFirstAttempt(
  testbed: Testbed,
  layer: Pick<TimeoutLayer, 'mount'>,
  options: Options,
  begin: Handler = () => ({}),
  end: Handler = ({ res, context }) =>
    res.headersSent ? 'native' : { status: 201, body: { attempt: context?.attempt } },
): Promise<TimedOutRequest> {
  const { store } = await testbed.openStore();
  const [timeIsUp, mayEnd, ended] = [newGate(), newGate(), newGate()];
  const attempts: number[] = [];
  const handler: Handler = async (call) => {
    const attempt = call.context?.attempt ?? 0;
    attempts.push(attempt);
    if (attempt > 1) return { status: 200, body: { attempt } };
    await begin(call);
    timeIsUp.open();
    await mayEnd.opened;
    ended.open();
    return await end(call);
  };
  const requests = [timeIsUp.opened];
  const never = newGate().opened;
  const { port } = await testbed.start({ store, handler, options, ...layer.mount(() => requests.shift() ?? never) });
  const first = await send(port, { key: 'payment-1' });
  const finish = async () => {
    mayEnd.open();
    await ended.opened;
  };
  return { port, store, first, attempts, finish };
}
