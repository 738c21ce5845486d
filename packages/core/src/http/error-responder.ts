// Responds to a request that gets no response of a handler: with a refusal for its client, or an error for the application.
import { type ErrorCode, IdempotencyError, StoreError } from '../errors.js';
import { publish } from '../events.js';
import { applyHeaderChange } from './header-change.js';
import type { HeaderEntry } from './headers.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions } from './http-options.js';
import { isError, isThrownByApplication } from './option-callbacks.js';
import { type ProblemFacts, problemResponse } from './problem-document.js';
import type { OutgoingResponse } from './response.js';

/** How far a request has come. */
export interface RequestProgress {
  /** The name of its record. Null until it is known. */
  recordName: string | null;
  /** This middleware has marked the request as its own. */
  isMarked: boolean;
  /** The handler was entered. */
  isHandlerStarted: boolean;
}

export class ErrorResponder {
  constructor(private readonly options: Pick<CheckedHttpOptions<never>, 'store' | 'renderProblem'>) {}

  /** Ends a request after an error: refuses it where the client can do something about it, else hands the error to the application. */
  async handleError(error: unknown, exchange: HttpExchange, progress: RequestProgress): Promise<void> {
    const failure = isError(error) ? error : new Error('A value that is no Error was thrown.', { cause: error });
    const code = isThrownByApplication(failure) ? null : refusalCodeOf(failure);
    if (code === null) return await this.#passToApplication(failure, exchange, progress);
    // Operators get the store's message in an event. Clients get what it means for them.
    const facts = failure instanceof StoreError ? {} : { detail: failure.message };
    try {
      await this.refuse(exchange, progress.recordName, code, facts);
    } catch (unrendered) {
      await this.#passToApplication(isError(unrendered) ? unrendered : failure, exchange, progress);
    }
  }

  /** Throws a `ConfigurationError` where `renderProblem` fails. */
  async refuse(exchange: HttpExchange, recordName: string | null, code: ErrorCode, facts: ProblemFacts): Promise<void> {
    const { store, renderProblem } = this.options;
    const refusal = problemResponse(code, facts, renderProblem);
    publish('rejected', () => ({ store: store.name, recordName, code }));
    await exchange.sendRefusal(withOuterHeaders(refusal, exchange.outerHeaders()));
  }

  /**
   * Throws the error, for the application's error handler, while that can still respond. Otherwise the client gets a 500 without the
   * error's message.
   */
  async #passToApplication(
    error: Error,
    exchange: HttpExchange,
    { recordName, isHandlerStarted }: RequestProgress,
  ): Promise<void> {
    const isOfApplication = isThrownByApplication(error);
    if (!isOfApplication || isHandlerStarted) {
      const code = error instanceof IdempotencyError ? error.code : 'option_invalid';
      publish('misconfigured', () => ({ store: this.options.store.name, recordName, code, error }));
    }
    if (!isHandlerStarted && (isOfApplication || exchange.canStart())) throw error;
    await exchange.sendRefusal(withOuterHeaders(internalServerError, exchange.outerHeaders()));
  }
}

/** Sent where the handler has run, because no error handler can respond then. */
const internalServerError: OutgoingResponse = {
  status: 500,
  headers: [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Cache-Control', 'no-store'],
  ],
  trailers: [],
  body: Buffer.from('Internal Server Error'),
};

/** The response with its own headers over those that outer middleware has set. */
function withOuterHeaders(response: OutgoingResponse, outerHeaders: readonly HeaderEntry[]): OutgoingResponse {
  return { ...response, headers: applyHeaderChange(outerHeaders, { set: response.headers, removed: [] }) };
}

const clientErrorCodes = new Set<ErrorCode>(['key_missing', 'key_invalid', 'body_type_unsupported']);

/** The code of the refusal. Null: the client cannot do anything about the error. */
function refusalCodeOf(error: Error): ErrorCode | null {
  if (error instanceof StoreError) return error.class === 'damaged' ? 'record_damaged' : 'store_unavailable';
  return error instanceof IdempotencyError && clientErrorCodes.has(error.code) ? error.code : null;
}
