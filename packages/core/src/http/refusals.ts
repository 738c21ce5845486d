// How a request ends that gets no answer of a handler: a refusal for its client, or an error for the application.
import { type ErrorCode, IdempotencyError, StoreError } from '../errors.js';
import { publish } from '../events.js';
import { isError, isThrownByApplication } from './callback.js';
import type { Exchange } from './exchange.js';
import { applyHeaders, type HeaderEntry } from './headers.js';
import type { CheckedHttpOptions } from './options.js';
import { type ProblemFacts, problem } from './problem.js';

/** What has become of a request so far. */
export interface Progress {
  /** The name of its record, once it is known. */
  name: string | null;
  /** This middleware has marked it as its own. */
  isTaken: boolean;
  /** Its handler has been entered. */
  isStarted: boolean;
}

export class Refusals {
  constructor(private readonly options: Pick<CheckedHttpOptions<never>, 'store' | 'renderProblem'>) {}

  /** Ends a request that an error has stopped: what its client can mend is refused, all else is for the application. */
  async endWith(error: unknown, exchange: Exchange, progress: Progress): Promise<void> {
    const failure = isError(error) ? error : new Error('A value that is no Error was thrown.', { cause: error });
    const code = isThrownByApplication(failure) ? null : refusalFor(failure);
    if (code === null) return await this.#fail(failure, exchange, progress);
    // What the store said is for operators, who hear it in the event; clients learn what it means for them.
    const facts = failure instanceof StoreError ? {} : { detail: failure.message };
    try {
      await this.refuse(exchange, progress.name, code, facts);
    } catch (unrendered) {
      await this.#fail(isError(unrendered) ? unrendered : failure, exchange, progress);
    }
  }

  /** Throws a `ConfigurationError` where `renderProblem` fails. */
  async refuse(exchange: Exchange, name: string | null, code: ErrorCode, facts: ProblemFacts): Promise<void> {
    const { store, renderProblem } = this.options;
    const { status, headers, body } = problem(code, facts, renderProblem);
    publish('rejected', () => ({ store: store.name, name, code }));
    const all = applyHeaders(exchange.liveHeaders(), { set: headers, removed: [] });
    await exchange.replace({ status, headers: all, body });
  }

  /** Hands the error to the application while its error handler can still answer. Its message never goes to the client from here. */
  async #fail(error: Error, exchange: Exchange, { name, isStarted }: Progress): Promise<void> {
    const isForeign = isThrownByApplication(error);
    if (!isForeign || isStarted) {
      publish('misconfigured', () => ({ store: this.options.store.name, name, code: codeOf(error), error }));
    }
    if (!isStarted && (isForeign || exchange.canStart())) throw error;
    const headers = applyHeaders(exchange.liveHeaders(), { set: plainFailure.headers, removed: [] });
    await exchange.replace({ ...plainFailure, headers });
  }
}

/** What a client gets where the handler has run, so that no error handler can answer any more. */
const plainFailure = {
  status: 500,
  headers: [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Cache-Control', 'no-store'],
  ] satisfies HeaderEntry[],
  body: Buffer.from('Internal Server Error'),
};

const refusals = new Set<ErrorCode>(['key_missing', 'key_invalid', 'body_type_unsupported']);

/** The code that a client is refused with. Null: it is no matter of the client. */
function refusalFor(error: Error): ErrorCode | null {
  if (error instanceof StoreError) return error.class === 'damaged' ? 'record_damaged' : 'store_unavailable';
  return error instanceof IdempotencyError && refusals.has(error.code) ? error.code : null;
}

function codeOf(error: Error): ErrorCode {
  return error instanceof IdempotencyError ? error.code : 'option_invalid';
}
