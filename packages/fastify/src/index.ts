// @onceguard/fastify: a repeated request runs once and gets the recorded response. For Fastify 4 and 5.
import { ConfigurationError, IdempotencyError } from '@onceguard/core';
import { createLifecycle, type HttpContext, type HttpOptions } from '@onceguard/core/http';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { guardRoute } from './guard-route.js';
import { reportUnguardedRoutes } from './unguarded-routes.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy, keepRawBody } from '@onceguard/core/http';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined where the request has no key. `idempotencyOf(request)` throws instead. */
    idempotency?: HttpContext;
  }
  interface FastifyContextConfig {
    /** True guards the route. An object guards it, with these options in place of the plugin's. Default false. */
    idempotency?: boolean | RouteIdempotencyOptions;
  }
}

/** The options of the plugin. Functions among them receive Fastify's request. */
export type IdempotencyOptions = HttpOptions<FastifyRequest>;

/** What differs for one route. The plugin's options apply otherwise. */
export type RouteIdempotencyOptions = Partial<IdempotencyOptions>;

/**
 * Plugin for routes whose requests may be repeated: those with `idempotency` in their `config`. Register it before them, and await it:
 * routes that exist already are not guarded, and fail with a `ConfigurationError`. The check runs after all preHandler hooks of the route,
 * so a request that validation, authentication or another hook has refused never touches the store. Rejects with a `ConfigurationError`
 * that names every invalid option, or that the plugin is registered already. `docs/http.md` describes what a repeat gets.
 *
 * @example
 * await app.register(idempotency, { store, scope: (request) => request.user.id });
 * app.post('/payments', { preHandler: authenticate, config: { idempotency: true } }, pay);
 * app.post('/orders', { preHandler: authenticate, config: { idempotency: { required: true } } }, order);
 */
export const idempotency: FastifyPluginAsync<IdempotencyOptions> = fastifyPlugin(register, {
  name: '@onceguard/fastify',
  fastify: '^4.26.0 || ^5.0.0',
});

async function register(app: FastifyInstance, options: IdempotencyOptions): Promise<void> {
  if (app.hasRequestDecorator('idempotency')) throw alreadyRegistered();
  const lifecycle = createLifecycle<FastifyRequest>(options);
  app.decorateRequest('idempotency', undefined);
  reportUnguardedRoutes(app);
  app.addHook('onRoute', (route) => {
    const chosen = route.config?.idempotency ?? false;
    if (chosen === false) return;
    if (chosen === true) guardRoute(route, lifecycle);
    else guardRoute(route, createLifecycle<FastifyRequest>({ ...options, ...checkedRouteOptions(chosen, route.url) }));
  });
}

/** Callers without types may pass anything, and a route must not be guarded in another way than it says. */
function checkedRouteOptions(chosen: unknown, url: string): RouteIdempotencyOptions {
  if (typeof chosen === 'object' && chosen !== null && !Array.isArray(chosen)) return chosen;
  const remedy = 'It must be true, false, or an object with the options that differ for this route.';
  throw new ConfigurationError('option_invalid', `config.idempotency of ${url} is ${String(chosen)}. ${remedy}`);
}

function alreadyRegistered(): ConfigurationError {
  const problem =
    'request.idempotency exists already here: @onceguard/fastify is registered twice, or another plugin uses the name.';
  const remedy =
    'Register it once, and put what differs into config.idempotency of a route; or register it in contexts beside each other.';
  return new ConfigurationError('option_invalid', `${problem} ${remedy}`);
}

/**
 * The context of this request's execution. Throws an `IdempotencyError` (`context_missing`) where the request has no key, so that no
 * downstream call omits the key by mistake.
 *
 * @example
 * const charge = await provider.charge(order, { idempotencyKey: idempotencyOf(request).deriveKey('charge') });
 */
export function idempotencyOf(request: { readonly idempotency?: HttpContext | undefined }): HttpContext {
  if (request.idempotency !== undefined) return request.idempotency;
  const remedy =
    'It brought no key, or its route has no config.idempotency. Set required: true, or read request.idempotency.';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}
