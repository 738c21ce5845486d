// The life of one request, for every framework: does it apply, whose key is it, what became of it, run, record, answer.
import type { ConditionalWork, Execution, ExecutionRequest, NotStarted, Settlement } from '../engine/execution.js';
import { convertRecovery, recovery } from '../engine/recovery.js';
import { run } from '../engine/run.js';
import { warnOnce } from '../events.js';
import { processWide } from '../process-wide.js';
import { type HandlerResponse, settleFailure, settleRecovered, settleResponse } from './classification.js';
import { ErrorResponder, type RequestProgress } from './error-responder.js';
import { applyHeaderChange, createOmitPredicate, type HeaderEntry, type HeaderNamePredicate } from './headers.js';
import type { HttpExchange, HttpResponse } from './http-exchange.js';
import { type CheckedHttpOptions, checkHttpOptions, type HttpOptions } from './http-options.js';
import { readKey, requireScope } from './key-and-scope.js';
import { callWithTimeout } from './option-callbacks.js';
import type { ProblemFacts } from './problem-document.js';
import { deriveRecordName, splitTarget } from './record-name.js';
import { decodeRecordedResponse, type RecordedResponse } from './recorded-response.js';
import { toRecordedResponse } from './recovered-response.js';
import { RequestFingerprinter } from './request-fingerprinter.js';
import { nextBatch } from './tick-batch.js';

/** An answer on its way to the client: the handler's, just given, one that stands on record, or one that was found out. */
type RequestResult = HandlerResult | (RecordedResponse & { readonly from: 'record' | 'recovery' });

interface HandlerResult {
  readonly from: 'handler';
  readonly response: HttpResponse | null;
  readonly settlement: Settlement;
  /** Its handler still works: resolves when it stops. */
  readonly handlerStopped: Promise<void> | null;
  readonly bypassed: boolean;
  /** What kept the answer from being classified: it must not go out as if it were on record. */
  readonly unclassified?: { readonly error: unknown };
}

const noExtraHeaders: readonly HeaderEntry[] = [];
const unrecordedHeader: readonly HeaderEntry[] = [['Idempotency-Recorded', 'false']];

/** Requests that an outer middleware, of whatever copy of this package, handles now. */
function requestsBeingHandled(): WeakSet<object> {
  return processWide('requests/1', () => new WeakSet());
}

/** Throws a `ConfigurationError` for options that cannot be meant. */
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
   * False for a request that `handle` would only pass on: of another method, or without a key where none is required.
   * `keyLines` are the lines of its key header.
   */
  appliesTo(method: string | undefined, keyLines: readonly string[]): boolean {
    const { methods, required, skip, key } = this.options;
    if (method === undefined || !methods.includes(method)) return false;
    return keyLines.length > 0 || required || skip !== undefined || key !== undefined;
  }

  /**
   * Resolves when the answer is out, when the request was passed on, or when a layer outside has answered. Rejects only before the
   * handler ran, and always with an Error, which is for the application's error handler: what its own functions threw, or a
   * misconfiguration.
   */
  async handle(request: Request, exchange: HttpExchange): Promise<void> {
    await nextBatch();
    const progress: RequestProgress = { recordName: null, isMarked: false, isHandlerStarted: false };
    try {
      await this.#handle(request, exchange, progress);
    } catch (error) {
      await this.#errorResponder.handleError(error, exchange, progress);
    } finally {
      if (progress.isMarked) requestsBeingHandled().delete(exchange.identity);
    }
  }

  async #handle(request: Request, exchange: HttpExchange, progress: RequestProgress): Promise<void> {
    const { methods, skip, callbackTimeoutMs } = this.options;
    if (!methods.includes(exchange.method)) return exchange.passThrough();
    if (skip !== undefined && (await callWithTimeout('skip', callbackTimeoutMs, () => skip(request))))
      return exchange.passThrough();
    const key = await readKey(request, (name) => exchange.headerLines(name), this.options);
    if (key === null) return exchange.passThrough();
    if (requestsBeingHandled().has(exchange.identity)) return passMountedTwice(exchange);
    requestsBeingHandled().add(exchange.identity);
    progress.isMarked = true;
    const scope = await requireScope(request, this.options);
    const plan = this.#executionRequest(
      exchange,
      scope,
      key,
      await this.#fingerprinter.forNewRecord(request, exchange),
    );
    progress.recordName = plan.recordName;
    if (!exchange.canStart()) return;
    await this.#respond(exchange, plan, await this.#execute(plan, request, exchange, progress));
  }

  #executionRequest(exchange: HttpExchange, scope: string, key: string, fingerprint: string | null): ExecutionRequest {
    const { method, originalUrl } = exchange;
    const recordName = deriveRecordName({ scope, method, path: splitTarget(originalUrl).path, key });
    return { store: this.options.store, scope, key, recordName, fingerprint, policy: this.options };
  }

  /** A record that was made under an older version of the fingerprint is asked for once more, with a fingerprint of that version. */
  async #execute(
    plan: ExecutionRequest,
    request: Request,
    exchange: HttpExchange,
    progress: RequestProgress,
  ): Promise<Execution<RequestResult> | NotStarted> {
    const work = this.#work(request, exchange, progress);
    const execution = await run(plan, work);
    if (execution.kind !== 'key_reused') return execution;
    const fingerprint = await this.#fingerprinter.forVersion(execution.version, request, exchange);
    return fingerprint === null ? execution : await run({ ...plan, fingerprint }, work);
  }

  #work(request: Request, exchange: HttpExchange, progress: RequestProgress): ConditionalWork<RequestResult> {
    return {
      canStart: () => exchange.canStart(),
      onCallerGone: (listener) => exchange.onDisconnect(listener),
      recover: async (context) => {
        const { recover = () => recovery.stillUnknown(), callbackTimeoutMs } = this.options;
        const found = await callWithTimeout('onAbandoned', callbackTimeoutMs, () => recover(context, request));
        return await convertRecovery(found, (answer) => ({
          from: 'recovery',
          ...toRecordedResponse(answer),
        }));
      },
      run: async (context) => {
        progress.isHandlerStarted = true;
        let nothingHappened = false;
        const markNothingHappened = () => {
          nothingHappened = true;
        };
        // Not a copy, which would ask for the signal.
        const response = await exchange.runHandler(Object.assign(context, { markNothingHappened }));
        const baseline = exchange.outerHeaders();
        const handlerStopped = exchange.whenHandlerStopped?.() ?? null;
        const given = { answer: response, baseline, nothingHappened, isWorking: handlerStopped !== null };
        return {
          from: 'handler',
          response,
          handlerStopped,
          bypassed: context.fencingToken === 0,
          ...this.#settleHandlerResponse(given),
        };
      },
      settle: (answered) =>
        answered.from === 'handler' ? answered.settlement : settleRecovered(answered, this.options),
      whenStopped: (answered) => (answered.from === 'handler' ? answered.handlerStopped : null),
      decode: (outcome) => ({ from: 'record', ...decodeRecordedResponse(outcome) }),
    };
  }

  /** The handler has run, whatever the application's own functions do: a failure of theirs counts as one of the work. */
  #settleHandlerResponse(given: HandlerResponse): Pick<HandlerResult, 'settlement' | 'unclassified'> {
    try {
      return { settlement: settleResponse(given, this.options, this.#isOmitted) };
    } catch (error) {
      return { settlement: settleFailure(this.options), unclassified: { error } };
    }
  }

  #respond(
    exchange: HttpExchange,
    plan: ExecutionRequest,
    execution: Execution<RequestResult> | NotStarted,
  ): Promise<void> | void {
    switch (execution.kind) {
      case 'not_started':
        return;
      case 'executed':
      case 'replayed':
        return this.#sendResult(exchange, execution.value, execution.kind === 'executed' && execution.recorded);
      case 'in_progress':
        return this.#errorResponder.refuse(exchange, plan.recordName, 'in_progress', {
          retryAfterMs: execution.retryAfterMs,
        });
      case 'key_reused':
        return this.#errorResponder.refuse(exchange, plan.recordName, 'key_reused', {});
      case 'outcome_unknown':
        return this.#errorResponder.refuse(
          exchange,
          plan.recordName,
          'outcome_unknown',
          retryAfterFact(execution.retryAfterMs),
        );
      case 'expired': {
        const { completedAt, note } = execution;
        const facts = { completedAt, ...(note === null ? {} : { originalStatus: Number(note) }) };
        return this.#errorResponder.refuse(exchange, plan.recordName, 'expired', facts);
      }
    }
  }

  #sendResult(exchange: HttpExchange, answered: RequestResult, recorded: boolean): Promise<void> | void {
    if (answered.from !== 'handler') {
      const headers = applyHeaderChange(exchange.outerHeaders(), answered.headers);
      const { status, reason, trailers, body } = answered;
      const mark = answered.from === 'recovery' && !recorded ? unrecordedHeader : [];
      return exchange.sendReplay({
        status,
        ...(reason === undefined ? {} : { reason }),
        headers: [...headers, ['Idempotent-Replayed', 'true'], ...mark],
        trailers,
        body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      });
    }
    const { response, settlement, bypassed, unclassified } = answered;
    if (unclassified !== undefined) throw unclassified.error;
    if (response === null) return exchange.abortResponse();
    const unrecorded = settlement.as === 'done' && !recorded;
    // Its head has left: it can no longer say that it is not on record. An end that the client cannot trust is withheld.
    if (unrecorded && response.isStreaming && !bypassed) return exchange.abortResponse();
    return exchange.sendCaptured(unrecorded ? unrecordedHeader : noExtraHeaders);
  }
}

function passMountedTwice(exchange: HttpExchange): void {
  warnOnce('mounted_twice', 'idempotency() is mounted twice on one route; the outer one is used. Remove one of them.');
  exchange.passThrough();
}

function retryAfterFact(retryAfterMs: number | null): ProblemFacts {
  return retryAfterMs === null ? {} : { retryAfterMs };
}
