// Finds routes that ask for idempotency, but exist since before the plugin was loaded: no hook of Fastify reports them to the plugin.
import { ConfigurationError } from '@onceguard/core';
import type { FastifyInstance, RouteOptions } from 'fastify';

/** In the `config` of every guarded route. */
const guarded = Symbol('onceguard.guarded');

export function markGuarded(route: RouteOptions): void {
  route.config = Object.assign({}, route.config, { [guarded]: true });
}

/**
 * Lets each request to such a route fail, because it would run without protection. A hook of the application also runs for its earlier
 * routes. Where there are none, no hook is added, and other routes cost nothing.
 */
export function reportUnguardedRoutes(app: FastifyInstance): void {
  if (!hasRoutes(app)) return;
  app.addHook('onRequest', (request, _reply, done) => {
    const { config, url } = request.routeOptions;
    const isUnguarded = Boolean(config?.idempotency) && !(guarded in config);
    done(isUnguarded ? unguarded(url) : undefined);
  });
}

function hasRoutes(app: FastifyInstance): boolean {
  return app.printRoutes().trim() !== '(empty tree)';
}

function unguarded(url: string | undefined): ConfigurationError {
  const problem = `The route ${url} was defined before @onceguard/fastify was loaded, so it is not guarded.`;
  const remedy = 'Write `await app.register(idempotency, …)` before the route.';
  return new ConfigurationError('option_invalid', `${problem} ${remedy}`);
}
