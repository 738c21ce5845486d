// How a request ends that gets no answer of a handler: a refusal for its client, or an error for the application.
import { type ErrorCode, IdempotencyError, StoreError } from '../errors.js';
import { publish } from '../events.js';
import { applyHeaderChange, type HeaderEntry } from './headers.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions } from './http-options.js';
import { isError, isThrownByApplication } from './option-callbacks.js';
import { type ProblemFacts, problemResponse } from './problem-document.js';

/** What has become of a request so far. */
export interface RequestProgress {
  /** The name of its record, once it is known. */
  recordName: string | null;
  /** This middleware has marked it as its own. */
  isMarked: boolean;
  /** Its handler has been entered. */
  isHandlerStarted: boolean;
}

export class ErrorResponder {
  constructor(private readonly options: Pick<CheckedHttpOptions<never>, 'store' | 'renderProblem'>) {}

  /** Ends a request that an error has stopped: what its client can mend is refused, all else is for the application. */
  async handleError(error: unknown, exchange: HttpExchange, progress: RequestProgress): Promise<void> {
    const failure = isError(error) ? error : new Error('A value that is no Error was thrown.', { cause: error });
    const code = isThrownByApplication(failure) ? null : refusalCodeOf(failure);
    if (code === null) return await this.#passToApplication(failure, exchange, progress);
    // What the store said is for operators, who hear it in the event; clients learn what it means for them.
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
    const { status, headers, body } = problemResponse(code, facts, renderProblem);
    publish('rejected', () => ({ store: store.name, recordName, code }));
    const all = applyHeaderChange(exchange.outerHeaders(), { set: headers, removed: [] });
    await exchange.sendRefusal({ status, headers: all, trailers: [], body });
  }

  /** Hands the error to the application while its error handler can still answer. Its message never goes to the client from here. */
  async #passToApplication(
    error: Error,
    exchange: HttpExchange,
    { recordName, isHandlerStarted }: RequestProgress,
  ): Promise<void> {
    const isForeign = isThrownByApplication(error);
    if (!isForeign || isHandlerStarted) {
      publish('misconfigured', () => ({
        store: this.options.store.name,
        recordName,
        code: errorCodeOf(error),
        error,
      }));
    }
    if (!isHandlerStarted && (isForeign || exchange.canStart())) throw error;
    const headers = applyHeaderChange(exchange.outerHeaders(), { set: internalServerError.headers, removed: [] });
    await exchange.sendRefusal({ ...internalServerError, headers });
  }
}

/** What a client gets where the handler has run, so that no error handler can answer any more. */
const internalServerError = {
  status: 500,
  headers: [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Cache-Control', 'no-store'],
  ] satisfies HeaderEntry[],
  trailers: [],
  body: Buffer.from('Internal Server Error'),
};

const clientErrorCodes = new Set<ErrorCode>(['key_missing', 'key_invalid', 'body_type_unsupported']);

/** The code that a client is refused with. Null: it is no matter of the client. */
function refusalCodeOf(error: Error): ErrorCode | null {
  if (error instanceof StoreError) return error.class === 'damaged' ? 'record_damaged' : 'store_unavailable';
  return error instanceof IdempotencyError && clientErrorCodes.has(error.code) ? error.code : null;
}

function errorCodeOf(error: Error): ErrorCode {
  return error instanceof IdempotencyError ? error.code : 'option_invalid';
}
