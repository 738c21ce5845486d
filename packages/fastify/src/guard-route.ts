// Guards a route: its handler runs through the lifecycle, and its first onSend hook takes the reply.
import { HiddenProperty, type Lifecycle } from '@onceguard/core/http';
import { headerLines } from '@onceguard/core/node';
import type { FastifyReply, FastifyRequest, RouteHandlerMethod, RouteOptions } from 'fastify';
import { FastifyExchange } from './fastify-exchange.js';
import { HandlerRun } from './handler-run.js';
import { markGuarded } from './unguarded-routes.js';

/** Of guarded requests. The hook passes others as they are. */
const exchanges = new HiddenProperty<FastifyExchange>(Symbol('onceguard.fastify-exchange'));

/**
 * The handler itself is replaced, not preceded by a preHandler hook: plugins that are registered later may add preHandler hooks, and none
 * of them may run after the check. The onSend hook is the first one of the route. Hooks of the application run before it, and their work is
 * recorded. Hooks of the route, such as compression, run after it, for each client separately.
 */
export function guardRoute(route: RouteOptions, lifecycle: Lifecycle<FastifyRequest>): void {
  route.handler = guardHandler(route.handler, lifecycle);
  route.onSend = [onSend, ...[route.onSend ?? []].flat()];
  markGuarded(route);
}

function guardHandler(handler: RouteHandlerMethod, lifecycle: Lifecycle<FastifyRequest>): RouteHandlerMethod {
  const { headerName } = lifecycle.options;
  return function guardedHandler(request, reply) {
    const keyLines = headerLines(request.raw, headerName);
    if (!lifecycle.appliesTo(request.method, keyLines)) return handler.call(this, request, reply);
    const handlerRun = new HandlerRun(() => handler.call(this, request, reply), reply);
    const exchange = new FastifyExchange({ request, reply, keyLines, handlerRun, options: lifecycle.options });
    exchanges.set(request, exchange);
    lifecycle.handle(request, exchange).catch(handlerRun.fail);
    return handlerRun.result;
  };
}

/**
 * Calls back instead of returning a promise: Fastify 4 does not catch what it throws itself after a promise, such as for an invalid header,
 * and the process would end.
 */
function onSend(
  request: FastifyRequest,
  _reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload?: unknown) => void,
): void {
  const exchange = exchanges.get(request);
  if (exchange === undefined) done(null, payload);
  else
    exchange
      .onSend(payload)
      .then((sent) => done(null, sent))
      .catch(done);
}
