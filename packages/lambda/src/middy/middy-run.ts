// One execution, cut in two by middy: `before` waits until the handler may run, `after` or `onError` has its response.
import type { HttpContext } from '@onceguard/core/http';
import type { RunHandler } from '../http/lambda-exchange.js';

/** The handler may run, without a context where the request is not protected; or there is a response already. */
type Begun =
  | { readonly kind: 'handler'; readonly context: HttpContext | undefined }
  | { readonly kind: 'responded'; readonly response: unknown };

interface HandlerParts {
  readonly runHandler: RunHandler;
  readonly whenHandlerStopped: () => Promise<void> | null;
}

export class MiddyRun {
  readonly #handlerBegun = deferred<HttpContext | undefined>();
  readonly #handlerResult = deferred<unknown>();
  #result: Promise<unknown> = Promise.resolve();
  #outlivesResponse = false;

  constructor(private readonly leaseMs: number) {}

  start(serve: (parts: HandlerParts) => Promise<unknown>): void {
    this.#result = serve({
      runHandler: (context) => {
        this.#handlerBegun.resolve(context);
        return this.#handlerResult.promise;
      },
      whenHandlerStopped: () => (this.#outlivesResponse ? pauseInBackground(this.leaseMs) : null),
    });
    // It is awaited in a later call, and a failure before that is no unhandled rejection.
    this.#result.catch(() => {});
  }

  /** Rejects where the request cannot be handled. */
  async whenBegun(): Promise<Begun> {
    return await Promise.race([
      this.#handlerBegun.promise.then((context) => ({ kind: 'handler', context }) as const),
      this.#result.then((response) => ({ kind: 'responded', response }) as const),
    ]);
  }

  /** middy has given up on the handler, which still works. Its lease is kept for as long as a dead process would keep it. */
  handlerOutlivesResponse(): void {
    this.#outlivesResponse = true;
  }

  /** Resolves with what the invocation returns, once the response is on record. */
  async finish(response: unknown): Promise<unknown> {
    this.#handlerResult.resolve(response);
    return await this.#result;
  }

  /** Resolves once the key is free or its outcome unknown: undefined, unless the record has another attempt's response. */
  async fail(error: unknown): Promise<unknown> {
    this.#handlerResult.reject(error);
    // It rejects with the same error, which middy already has.
    return await this.#result.catch(() => undefined);
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function pauseInBackground(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
