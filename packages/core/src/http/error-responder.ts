// Responds to a request that gets no response of a handler: with a refusal for its client, or an error for the application.
import { inspect } from 'node:util';
import { type ErrorCode, IdempotencyError, StoreError } from '../errors.js';
import { hasListeners, publish, type UnnamedSubject, warnOnce } from '../events.js';
import { applyHeaderChange } from './header-change.js';
import type { HeaderEntry } from './headers.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions } from './http-options.js';
import { isError, isThrownByApplication } from './option-callbacks.js';
import { type ProblemFacts, problemResponse } from './problem-document.js';
import { operationOf } from './request-description.js';
import type { OutgoingResponse } from './response.js';

/** How far a request has come. */
export interface RequestProgress {
  /** The name of its record. Null until it is known. */
  recordName: string | null;
  /** What kind of work it is. Null until it is known. */
  operation: string | null;
  /** This middleware has marked the request as its own. */
  isMarked: boolean;
  /** The handler was entered. */
  isHandlerStarted: boolean;
}

export class ErrorResponder {
  constructor(private readonly options: Pick<CheckedHttpOptions<never>, 'store' | 'operation' | 'renderProblem'>) {}

  /** Ends a request after an error: refuses it where the client can do something about it, else hands the error to the application. */
  async handleError(error: unknown, exchange: HttpExchange, progress: RequestProgress): Promise<void> {
    const failure = isError(error) ? error : new Error('A value that is no Error was thrown.', { cause: error });
    const code = isThrownByApplication(failure) ? null : refusalCodeOf(failure);
    if (code === null) return await this.#passToApplication(failure, exchange, progress);
    // Operators get the store's message in an event. Clients get what it means for them.
    const facts = failure instanceof StoreError ? {} : { detail: failure.message };
    try {
      await this.refuse(exchange, progress, code, facts);
    } catch (unrendered) {
      await this.#passToApplication(isError(unrendered) ? unrendered : failure, exchange, progress);
    }
  }

  /** Throws a `ConfigurationError` where `renderProblem` fails. */
  async refuse(exchange: HttpExchange, progress: RequestProgress, code: ErrorCode, facts: ProblemFacts): Promise<void> {
    const { renderProblem } = this.options;
    const { recordName } = progress;
    const refusal = problemResponse(code, { ...facts, recordName: recordName ?? undefined }, renderProblem);
    publish('rejected', () => ({ ...this.#subject(exchange, progress), code }));
    await exchange.sendRefusal(withOuterHeaders(refusal, exchange.outerHeaders()));
  }

  /**
   * Throws the error, for the application's error handler, while that can still respond. Otherwise the client gets a 500 without the
   * error's message.
   */
  async #passToApplication(error: Error, exchange: HttpExchange, progress: RequestProgress): Promise<void> {
    const { isHandlerStarted } = progress;
    const isOfApplication = isThrownByApplication(error);
    if (!isOfApplication || isHandlerStarted) {
      const code = error instanceof IdempotencyError ? error.code : 'option_invalid';
      publish('misconfigured', () => ({ ...this.#subject(exchange, progress), code, error }));
    }
    if (!isHandlerStarted && (isOfApplication || exchange.canStart())) throw error;
    // No error handler gets it, so it must not get lost where nobody listens either.
    if (!hasListeners('misconfigured')) warnOnce('error_unhandled', error.message, inspect(error));
    await exchange.sendRefusal(withOuterHeaders(internalServerError, exchange.outerHeaders()));
  }

  /** A refusal may come before the request was described: an event then says what is known of its operation. */
  #subject(exchange: HttpExchange, { recordName, operation }: RequestProgress): UnnamedSubject {
    const { store, operation: given } = this.options;
    return { store: store.name, recordName, operation: operation ?? operationOf(exchange, given) };
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

const refusalCodes = new Set<ErrorCode>([
  ...(['key_missing', 'key_invalid', 'body_too_large', 'body_type_unsupported'] as const),
  ...(['transaction_conflict', 'transaction_refused', 'transaction_timeout'] as const),
]);

/** The code of the refusal. Null: the client cannot do anything about the error. */
function refusalCodeOf(error: Error): ErrorCode | null {
  if (error instanceof StoreError) return error.class === 'damaged' ? 'record_damaged' : 'store_unavailable';
  return error instanceof IdempotencyError && refusalCodes.has(error.code) ? error.code : null;
}
