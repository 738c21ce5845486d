// One run of a route's handler, as Fastify sees it and as the lifecycle sees it.
import type { FastifyReply } from 'fastify';

/**
 * Fastify gets `result` before it is known whether the handler will run. It settles as the handler's own promise does, but not while a
 * reply is being recorded: Fastify would reply a second time. It stays pending for a handler that returns nothing and calls `reply.send`
 * later: Fastify would take its end for an empty reply.
 */
export class HandlerRun {
  readonly result: Promise<unknown>;
  readonly #handler: () => unknown;
  readonly #reply: FastifyReply;
  readonly #whenSent: FastifyReply['then'];
  readonly #replied: Promise<void>;
  #hasReplied = false;
  #resolveReplied: () => void = () => {};
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #stopped: Promise<void> | null = null;

  constructor(handler: () => unknown, reply: FastifyReply) {
    this.#handler = handler;
    this.#reply = reply;
    this.#whenSent = reply.then;
    this.#replied = new Promise((resolve) => {
      this.#resolveReplied = resolve;
    });
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Resolves when the handler has stopped. Null: it has, or it returned no promise, and its end is not known. */
  get stopped(): Promise<void> | null {
    return this.#stopped;
  }

  /** Calls the handler. */
  start(): void {
    let returned: unknown;
    try {
      returned = this.#handler();
    } catch (error) {
      this.#settle(() => this.#reject(error));
      return;
    }
    if (isPromiseLike(returned)) this.#stopped = this.#follow(returned);
    else if (returned !== undefined) this.#settle(() => this.#resolve(returned));
  }

  /**
   * Lets a handler that awaits or returns its reply go on as soon as the reply was given. Fastify lets it wait until the reply was sent:
   * a handler that waits for nothing else would look like one that works.
   */
  resolveAwaitedReply(): void {
    const awaitReply: FastifyReply['then'] = (onFulfilled, onRejected) => {
      const sent = new Promise<void>((resolve, reject) => this.#whenSent.call(this.#reply, resolve, reject));
      void Promise.race([this.#replied, sent]).then(() => onFulfilled(), onRejected);
    };
    Object.defineProperty(this.#reply, 'then', { value: awaitReply, configurable: true, writable: true });
  }

  /** The reply was given, by the handler or by a time-out, and will be sent. */
  replied(): void {
    this.#hasReplied = true;
    this.#resolveReplied();
  }

  /** The response comes from a record, or is a refusal: the handler does not run. */
  skip(): void {
    this.replied();
    this.#settle(() => this.#resolve(undefined));
  }

  /** Fastify passes the error to the application's error handler. */
  readonly fail = (error: unknown): void => this.#reject(error);

  async #follow(returned: PromiseLike<unknown>): Promise<void> {
    try {
      const value = await returned;
      this.#settle(() => this.#resolve(value));
    } catch (error) {
      this.#settle(() => this.#reject(error));
    }
    this.#stopped = null;
  }

  #settle(settle: () => void): void {
    if (this.#hasReplied) this.#whenSent.call(this.#reply, settle, settle);
    else settle();
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
