// The life of one request, the same for every framework.
import type { Execution, ExecutionRequest, NotStarted } from '../engine/execution.js';
import type { Policy } from '../engine/policy.js';
import { run } from '../engine/run.js';
import { traceExecution } from '../engine/trace-execution.js';
import { warnOnce } from '../events.js';
import { processWide } from '../process-wide.js';
import { checkHttpOptions } from './check-http-options.js';
import { ErrorResponder, type RequestProgress } from './error-responder.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions, HttpOptions } from './http-options.js';
import { readKey, requireScope } from './key-and-scope.js';
import { createOmitPredicate, type HeaderNamePredicate } from './omitted-headers.js';
import { callWithTimeout, isThenable } from './option-callbacks.js';
import { describeRequest, nameRecord } from './request-description.js';
import { RequestFingerprinter } from './request-fingerprinter.js';
import { type RequestResult, RequestWork } from './request-work.js';
import { type Refusal, refusalFacts, sendResult } from './send-result.js';
import { nextBatch } from './tick-batch.js';

type RequestExecution = Execution<RequestResult> | NotStarted;

/** What differs from one request to the next, beside the options. */
export interface RequestLimits {
  /**
   * Milliseconds after which the process is ended from outside, such as the remaining time of a function. No lease is longer, so that the
   * key of work that is ended is free soon after. Default: no limit.
   */
  readonly maxLeaseMs?: number;
}

/** The shortest lease that a store takes, in milliseconds. */
const minLeaseMs = 10;

/**
 * Creates what an adapter asks about each request. Throws a `ConfigurationError` that names every invalid option.
 *
 * @example
 * const lifecycle = createLifecycle<IncomingMessage>(options);
 * if (!lifecycle.appliesTo(req.method, keyLines)) return next();
 * lifecycle.handle(req, exchange).catch(next);
 */
export function createLifecycle<Request>(options: HttpOptions<Request>): Lifecycle<Request> {
  return new Lifecycle(options);
}

export class Lifecycle<Request> {
  readonly options: CheckedHttpOptions<Request>;
  readonly #isOmitted: HeaderNamePredicate;
  readonly #errorResponder: ErrorResponder;
  readonly #fingerprinter: RequestFingerprinter<Request>;

  constructor(options: HttpOptions<Request>) {
    this.options = checkHttpOptions(options);
    const { omitHeaders, headerName } = this.options;
    this.#isOmitted = createOmitPredicate(omitHeaders, headerName);
    this.#errorResponder = new ErrorResponder(this.options);
    this.#fingerprinter = new RequestFingerprinter(this.options);
  }

  /**
   * Whether `handle` has to be called for a request with this method and these lines of its key header. False: the adapter passes the
   * request on, because the method is not among `methods`, or because there is no key, none is required and no option can change that.
   */
  appliesTo(method: string | undefined, keyLines: readonly string[]): boolean {
    const { methods, required, skip, key } = this.options;
    if (method === undefined || !methods.includes(method)) return false;
    return keyLines.length > 0 || required || skip !== undefined || key !== undefined;
  }

  /**
   * Handles a request that `appliesTo` accepted. Resolves when the response was sent, when the request was passed on, or when outer
   * middleware has responded. Rejects only before the handler ran, and always with an Error for the application's error handler: an error
   * of the application's own functions, or a misconfiguration.
   */
  async handle(request: Request, exchange: HttpExchange, limits?: RequestLimits): Promise<void> {
    await nextBatch();
    const progress: RequestProgress = { recordName: null, operation: null, isMarked: false, isHandlerStarted: false };
    try {
      await this.#handle(request, exchange, progress, limits);
    } catch (error) {
      await this.#errorResponder.handleError(error, exchange, progress);
    } finally {
      if (progress.isMarked) requestsBeingHandled().delete(exchange.identity);
    }
  }

  async #handle(
    request: Request,
    exchange: HttpExchange,
    progress: RequestProgress,
    limits: RequestLimits | undefined,
  ): Promise<void> {
    const { skip, callbackTimeoutMs } = this.options;
    if (skip !== undefined && (await callWithTimeout('skip', callbackTimeoutMs, () => skip(request))))
      return exchange.passThrough();
    // Most functions among the options return at once: an await would make them wait for a promise of its own.
    const givenKey = readKey(request, exchange.keyLines, this.options);
    const key = isThenable(givenKey) ? await givenKey : givenKey;
    if (key === null) return exchange.passThrough();
    if (requestsBeingHandled().has(exchange.identity)) return passMountedTwice(exchange);
    requestsBeingHandled().add(exchange.identity);
    progress.isMarked = true;
    const givenScope = requireScope(request, this.options);
    const scope = isThenable(givenScope) ? await givenScope : givenScope;
    const ownFingerprint = this.#fingerprinter.forNewRecord(request, exchange);
    const fingerprint = isThenable(ownFingerprint) ? await ownFingerprint : ownFingerprint;
    const givenDescription = describeRequest(request, exchange, this.options);
    const description = isThenable(givenDescription) ? await givenDescription : givenDescription;
    const executionRequest = {
      ...description,
      store: this.options.store,
      scope,
      key,
      recordName: nameRecord(exchange, scope, key, this.options.operation),
      fingerprint,
      policy: this.#policyWithin(limits),
      transaction: this.options.transaction,
    };
    progress.recordName = executionRequest.recordName;
    progress.operation = executionRequest.operation;
    if (!exchange.canStart()) return;
    const execution = await traceExecution(executionRequest, (traced) =>
      this.#execute(traced, request, exchange, progress),
    );
    await this.#respond(exchange, progress, execution);
  }

  #policyWithin(limits: RequestLimits | undefined): Policy {
    const maxLeaseMs = limits?.maxLeaseMs;
    if (maxLeaseMs === undefined || maxLeaseMs >= this.options.leaseMs) return this.options;
    return { ...this.options, leaseMs: Math.max(minLeaseMs, Math.floor(maxLeaseMs)) };
  }

  /** Tries again with an older version of the fingerprint where the record was made under that version. */
  async #execute(
    executionRequest: ExecutionRequest,
    request: Request,
    exchange: HttpExchange,
    progress: RequestProgress,
  ): Promise<RequestExecution> {
    const work = new RequestWork({ request, exchange, progress, options: this.options, isOmitted: this.#isOmitted });
    const execution = await run(executionRequest, work);
    if (execution.kind !== 'key_reused') return execution;
    const fingerprint = await this.#fingerprinter.forVersion(execution.version, request, exchange);
    return fingerprint === null ? execution : await run({ ...executionRequest, fingerprint }, work);
  }

  #respond(exchange: HttpExchange, progress: RequestProgress, execution: RequestExecution): Promise<void> | void {
    switch (execution.kind) {
      case 'not_started':
        return;
      case 'executed':
        return sendResult(exchange, execution.value, execution.recorded);
      case 'replayed':
        return sendResult(exchange, execution.value, true);
      default:
        return this.#refuse(exchange, progress, execution);
    }
  }

  #refuse(exchange: HttpExchange, progress: RequestProgress, refusal: Refusal): Promise<void> {
    return this.#errorResponder.refuse(exchange, progress, refusal.kind, refusalFacts(refusal));
  }
}

/** Requests that outer middleware handles now, in any copy of this package. */
function requestsBeingHandled(): WeakSet<object> {
  return processWide('requests/1', () => new WeakSet());
}

function passMountedTwice(exchange: HttpExchange): void {
  warnOnce('mounted_twice', 'idempotency() is mounted twice on one route; the outer one is used. Remove one of them.');
  exchange.passThrough();
}
