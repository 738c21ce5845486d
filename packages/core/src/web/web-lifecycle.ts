// The life of one request for adapters that take a Request and return a Response.
import { createLifecycle, type Lifecycle } from '../http/lifecycle.js';
import type { WebAdapter } from './web-adapter.js';
import { WebExchange, type WebLimits } from './web-exchange.js';
import { checkMaxRequestBytes, type WebOptions } from './web-options.js';

/**
 * Creates what an adapter asks about each request. Throws a `ConfigurationError` that names every invalid option.
 *
 * @example
 * const lifecycle = createWebLifecycle<Context>(options);
 * if (!lifecycle.appliesTo(request)) return next();
 * const response = await lifecycle.respond(context, { request, passThrough: next, runHandler: () => next() });
 */
export function createWebLifecycle<First>(options: WebOptions<First>): WebLifecycle<First> {
  return new WebLifecycle(options);
}

export class WebLifecycle<First> {
  readonly #lifecycle: Lifecycle<First>;
  readonly #limits: WebLimits;

  constructor({ maxRequestBytes, ...options }: WebOptions<First>) {
    this.#lifecycle = createLifecycle<First>(options);
    const { maxOutcomeBytes } = this.#lifecycle.options;
    this.#limits = { maxOutcomeBytes, maxRequestBytes: checkMaxRequestBytes(maxRequestBytes) };
  }

  /** Whether `respond` has to be called. False: the adapter passes the request on. */
  appliesTo(request: Request): boolean {
    return this.#lifecycle.appliesTo(request.method, this.#keyLines(request));
  }

  /**
   * Handles a request that `appliesTo` accepted. Resolves with what is to be sent.
   *
   * Rejects with an error for the framework's own error handling: what the handler threw, an error of the application's own functions, a
   * misconfiguration, or a `ConfigurationError` (`argument_invalid`) where the handler returned no Response. What the handler threw is
   * classified as a request without a response.
   */
  async respond<Made = Response>(first: First, adapter: WebAdapter<Made>): Promise<Response | Made> {
    const exchange = new WebExchange(adapter, this.#keyLines(adapter.request), this.#limits);
    let finish = () => {};
    adapter.waitUntil?.(
      new Promise((resolve) => {
        finish = resolve;
      }),
    );
    this.#lifecycle
      .handle(first, exchange)
      .then(
        () => exchange.finish(),
        (error) => exchange.fail(error),
      )
      .finally(finish);
    return await exchange.response;
  }

  /** Lines of one header are joined before a Request has them. */
  #keyLines(request: Request): readonly string[] {
    const value = request.headers.get(this.#lifecycle.options.headerName);
    return value === null ? [] : [value];
  }
}
