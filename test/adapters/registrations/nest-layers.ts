// Controllers and layers of Nest in the adapter suite.
import type { IncomingMessage } from 'node:http';
import type {
  AppSpec,
  Call,
  Framework,
  LayerAction,
  LayerCall,
  LayerResult,
  NodeLayer,
  TimeoutLayer,
} from '../../../packages/testing/src/adapter-suite/framework.js';
import type { NestLibrary } from '../../stacks/nest-adapter/library.js';
import type { NativeRequest, NativeResponse, NestPlatform } from './nest-platforms.js';

type Observable = import('rxjs').Observable<unknown>;
type Next = { handle(): Observable };
interface ExecutionContext {
  switchToHttp(): { getRequest(): NativeRequest; getResponse(): NativeResponse };
}

/** One layer, in the form in which it stands outside of the adapter and in the form in which it stands inside. */
export interface NestLayer {
  readonly middleware: (req: IncomingMessage, res: NativeResponse, next: (error?: unknown) => void) => void;
  /** Left out: the middleware is wrapped. */
  readonly intercept?: (context: ExecutionContext, next: Next) => Observable | Promise<Observable>;
  /** Of Fastify, in place of the middleware. */
  readonly onSend?: (request: unknown, reply: unknown, payload: unknown) => Promise<unknown>;
}

/** A controller for every method and path, or for these paths. Decorated by calls, because tsx runs this file in processes of its own. */
export function controllerOf(nest: NestLibrary, platform: NestPlatform, spec: AppSpec, paths?: string[]) {
  const { All, Controller, Req, Res, UseInterceptors } = nest.common;
  const { Idempotent, IdempotencyContext } = nest.onceguard;
  class SuiteController {
    async handle(request: NativeRequest, response: NativeResponse, context: Call['context']) {
      const reply = await spec.handler(callOf(platform, request, response, context));
      if (reply === 'raw') platform.hijack(response);
      else if (reply !== 'native') platform.reply(response, reply);
    }
  }
  const { prototype } = SuiteController;
  const handle = Object.getOwnPropertyDescriptor(prototype, 'handle') ?? {};
  Req()(prototype, 'handle', 0);
  Res()(prototype, 'handle', 1);
  IdempotencyContext({ optional: true })(prototype, 'handle', 2);
  All(paths === undefined ? platform.everyPath : '')(prototype, 'handle', handle);
  if (!spec.plain) Idempotent()(prototype, 'handle', handle);
  const interceptors = (spec.inner ?? []).map((layer) => interceptorOf(nest, layer as NestLayer));
  UseInterceptors(...interceptors)(SuiteController);
  Controller(paths ?? '')(SuiteController);
  return SuiteController;
}

function callOf(
  platform: NestPlatform,
  request: NativeRequest,
  response: NativeResponse,
  context: Call['context'],
): Call {
  return {
    req: platform.requestOf(request),
    // No hijack: the adapter sees what is written to the raw response with and without it.
    res: platform.responseOf(response),
    hijack: () => platform.hijack(response),
    native: request,
    body: request.body,
    context,
    headers: platform.headersOf(response),
    get headersSent() {
      return platform.isSent(response);
    },
  };
}

export function nestLayers(
  { rxjs, onceguard }: NestLibrary,
  platform: NestPlatform,
): Pick<Framework, 'layer' | 'nodeLayer' | 'bodyLayer'> {
  const contextOf = (context: ExecutionContext) => {
    try {
      return onceguard.idempotencyOf(context as never);
    } catch {
      return undefined;
    }
  };
  const layer = (action: LayerAction): NestLayer => ({
    middleware: (request, response, next) => {
      const result = action(layerCall(platform, request as never, response, undefined));
      if (result === undefined) return next();
      if (!(result instanceof Promise)) return endLayer(platform, response, result);
      void result.then((late) => endLayer(platform, response, late));
      next();
    },
    intercept: (context, next) => {
      const http = context.switchToHttp();
      const response = http.getResponse();
      const result = action(layerCall(platform, http.getRequest(), response, contextOf(context)));
      if (result === undefined) return next.handle();
      if (result instanceof Promise) {
        void result.then((late) => endLayer(platform, response, late));
        return next.handle();
      }
      endLayer(platform, response, result);
      return rxjs.of(undefined);
    },
  });
  return {
    layer,
    nodeLayer: (run: NodeLayer): NestLayer => ({
      middleware: (request, response, next) =>
        run(platform.requestOf(request as never), platform.responseOf(response), next),
    }),
    bodyLayer: (change) => platform.bodyLayer(change),
  };
}

function layerCall(
  platform: NestPlatform,
  request: NativeRequest,
  response: NativeResponse,
  context: LayerCall['context'],
): LayerCall {
  return { req: platform.requestOf(request), native: request, context, headers: platform.headersOf(response) };
}

function endLayer(platform: NestPlatform, response: NativeResponse, result: LayerResult): void {
  if (result === 'close') platform.responseOf(response).destroy();
  else if (result !== undefined && result !== 'unrouted' && !platform.isSent(response))
    platform.reply(response, result);
}

/** Runs middleware of node:http as an interceptor, which goes on when the middleware does. */
function interceptorOf({ rxjs }: NestLibrary, layer: NestLayer) {
  const wrapped = (context: ExecutionContext, next: Next) => {
    const http = context.switchToHttp();
    return new rxjs.Observable((subscriber) => {
      const passOn = (error?: unknown) => {
        if (error === undefined || error === null) next.handle().subscribe(subscriber);
        else subscriber.error(error);
      };
      layer.middleware(http.getRequest() as never, http.getResponse(), passOn);
    });
  };
  return { intercept: layer.intercept ?? wrapped };
}

type TimeIsUp = () => Promise<void>;

export function nestTimeouts({ common, rxjs }: NestLibrary, platform: NestPlatform): Record<string, TimeoutLayer> {
  const { HttpException } = common;
  const race = (status: number, timeIsUp: TimeIsUp): NestLayer => ({
    middleware: () => {},
    intercept: (_, next) => {
      const late = rxjs
        .from(timeIsUp())
        .pipe(rxjs.mergeMap(() => rxjs.throwError(() => new HttpException('Time is up.', status))));
      return rxjs.race(next.handle(), late);
    },
  });
  const timer = (status: number, timeIsUp: TimeIsUp): NestLayer => ({
    middleware: (_request, response, next) => {
      void timeIsUp().then(
        () => platform.isSent(response) || platform.reply(response, { status, body: 'Time is up.' }),
      );
      next();
    },
  });
  return {
    'a time-out interceptor that throws 408': {
      status: 408,
      keepsKey: true,
      mount: (up) => ({ inner: [race(408, up)] }),
    },
    'a time-out interceptor that throws 504': {
      status: 504,
      keepsKey: true,
      mount: (up) => ({ inner: [race(504, up)] }),
    },
    'an outer timer that sends 408': { status: 408, keepsKey: true, mount: (up) => ({ outer: [timer(408, up)] }) },
  };
}
