// What the engine executes for one request: the handler runs, its response is classified, and the outcome is recorded or read.
import type { AttemptState, ConditionalWork, Settlement } from '../engine/execution.js';
import type { OperationContext } from '../engine/operation-context.js';
import { convertRecovery, type RecoverContext, type Recovery, recovery } from '../engine/recovery.js';
import { type HandlerRun, settleFailure, settleRecovered, settleResponse } from './classification.js';
import type { RequestProgress } from './error-responder.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions } from './http-options.js';
import type { HeaderNamePredicate } from './omitted-headers.js';
import { callWithTimeout } from './option-callbacks.js';
import { decodeRecordedResponse, type RecordedResponse } from './recorded-response.js';
import { toRecordedResponse } from './recovered-response.js';
import type { CapturedResponse } from './response.js';

/** The response to send: the handler's, which was just given, one on record, or one that `onAbandoned` found out. */
export type RequestResult =
  | HandlerResult
  | { readonly from: 'record' | 'recovery'; readonly response: RecordedResponse };

interface HandlerResult {
  readonly from: 'handler';
  /** Null: the handler gave no response. */
  readonly response: CapturedResponse | null;
  readonly settlement: Settlement;
  /** Resolves when the handler stops. Null: it has stopped. */
  readonly handlerStopped: Promise<void> | null;
  /** The handler ran without a record, because the store could not be reached. */
  readonly bypassed: boolean;
  /** The error of `classify` or `isFinal`. The response must not be sent as if it were on record. */
  readonly classificationFailure: { readonly error: unknown } | null;
}

export interface RequestWorkOptions<Request> {
  readonly request: Request;
  readonly exchange: HttpExchange;
  readonly progress: RequestProgress;
  readonly options: CheckedHttpOptions<Request>;
  readonly isOmitted: HeaderNamePredicate;
}

/** A class, so that a request creates one object and no functions. */
export class RequestWork<Request> implements ConditionalWork<RequestResult> {
  constructor(private readonly parts: RequestWorkOptions<Request>) {}

  canStart(): boolean {
    return this.parts.exchange.canStart();
  }

  onCallerGone(listener: () => void): () => void {
    return this.parts.exchange.onDisconnect(listener);
  }

  async recover(context: RecoverContext): Promise<Recovery<RequestResult>> {
    const { request, options } = this.parts;
    const { recover = () => recovery.stillUnknown(), callbackTimeoutMs } = options;
    const recovered = await callWithTimeout('onAbandoned', callbackTimeoutMs, () => recover(context, request));
    return await convertRecovery(recovered, (response) => ({
      from: 'recovery',
      response: toRecordedResponse(response),
    }));
  }

  async run(context: OperationContext, attempt: AttemptState): Promise<RequestResult> {
    const { exchange, progress, options, isOmitted } = this.parts;
    progress.isHandlerStarted = true;
    const response = await exchange.runHandler(context);
    const handlerStopped = exchange.whenHandlerStopped?.() ?? null;
    const handlerRun = {
      response,
      baselineHeaders: exchange.outerHeaders(),
      nothingHappened: attempt.nothingHappened,
      isHandlerRunning: handlerStopped !== null,
      isUnrouted: response !== null && isUnrouted(exchange, response.status),
    };
    const { settlement, classificationFailure } = settleHandlerRun(handlerRun, options, isOmitted);
    const { bypassed } = context;
    return { from: 'handler', response, handlerStopped, bypassed, settlement, classificationFailure };
  }

  settle(result: RequestResult): Settlement {
    return result.from === 'handler' ? result.settlement : settleRecovered(result.response, this.parts.options);
  }

  whenStopped(result: RequestResult): Promise<void> | null {
    return result.from === 'handler' ? result.handlerStopped : null;
  }

  decode(outcome: Uint8Array): RequestResult {
    return { from: 'record', response: decodeRecordedResponse(outcome) };
  }
}

/** The handler has run, so an error of the application's own functions counts as a failure of the work. */
function settleHandlerRun(
  handlerRun: HandlerRun,
  options: CheckedHttpOptions<never>,
  isOmitted: HeaderNamePredicate,
): Pick<HandlerResult, 'settlement' | 'classificationFailure'> {
  try {
    return { settlement: settleResponse(handlerRun, options, isOmitted), classificationFailure: null };
  } catch (error) {
    return { settlement: settleFailure(options), classificationFailure: { error } };
  }
}

function isUnrouted(exchange: HttpExchange, status: number): boolean {
  return (status === 404 || status === 405) && (exchange.isUnrouted?.() ?? false);
}
