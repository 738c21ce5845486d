// What a call rejects with when it has no answer to give. Every error says what to do next, and what to show to a customer.

export type ClientErrorCode =
  | 'outcome_unknown'
  | 'key_reused'
  | 'retries_exhausted'
  | 'intent_changed'
  | 'request_invalid'
  | 'key_store_failed';

export interface ClientErrorFacts {
  /** The key of the call, so that it can be continued. Missing where none was made yet. */
  readonly key?: string | undefined;
  /** How often the request was sent by this call. */
  readonly attempts?: number | undefined;
  /** The last response, if there was one. Its body can be read. */
  readonly response?: Response | undefined;
  /** How long the server wants the next send to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The base class of the errors of this package. `code` is stable, also in a minified bundle and across two copies of the package.
 *
 * @example
 * try {
 *   await pay('/payments', { method: 'POST', body });
 * } catch (error) {
 *   if (!(error instanceof IdempotentFetchError)) throw error; // an abort
 *   show(error.customerMessage);
 * }
 */
export class IdempotentFetchError extends Error {
  declare readonly code: ClientErrorCode;
  /** A sentence for the customer, in English. Translate by `code`. */
  declare readonly customerMessage: string;
  declare readonly key: string | undefined;
  declare readonly attempts: number;
  declare readonly response: Response | undefined;
  declare readonly retryAfterMs: number | undefined;

  constructor(code: ClientErrorCode, message: string, customerMessage: string, facts?: ClientErrorFacts) {
    super(message);
    Object.assign(this, { name: 'IdempotentFetchError', attempts: 0 }, facts, { code, customerMessage });
  }
}

/** The work may have taken effect, and nobody knows yet. Do not send it under a new key. */
export class OutcomeUnknownError extends IdempotentFetchError {
  constructor(why: string, facts?: ClientErrorFacts) {
    const customerMessage = 'We do not know yet whether this went through. Please do not try again.';
    super(
      'outcome_unknown',
      `The outcome is not known: ${why}. Find out before you use a new key.`,
      customerMessage,
      facts,
    );
  }
}

/** The server has seen this key with another request. Nothing ran for this one. */
export class KeyReusedError extends IdempotentFetchError {
  constructor(facts?: ClientErrorFacts) {
    const message = 'The server knows this key with another request. Repeat that, or use a new key.';
    super('key_reused', message, 'This was not done. Try again from the start.', facts);
  }
}

/** No final answer within the limits. The work may have taken effect. `resume(key)`, or the same intent, continues under the same key. */
export class RetriesExhaustedError extends IdempotentFetchError {
  constructor(why: string, facts?: ClientErrorFacts) {
    const message = `No final answer: ${why}. It may have taken effect: resume(key), and use no new key.`;
    super('retries_exhausted', message, 'We got no answer. Try again: it will not be done twice.', facts);
  }
}

/** The call cannot be made like this. The message has the remedy. Nothing was sent. */
export class RequestInvalidError extends IdempotentFetchError {
  constructor(message: string, facts?: ClientErrorFacts) {
    super('request_invalid', message, 'This was not sent.', facts);
  }
}

/** An earlier request of this intent has no final answer yet, and this one differs from it. Nothing was sent. */
export class IntentChangedError extends IdempotentFetchError {
  constructor(intent: string, facts: ClientErrorFacts) {
    const message = `The request of the intent ${intent} differs from the one that was sent, whose outcome is open. Repeat that one first, or call forget('${intent}') if you know that it had no effect.`;
    super('intent_changed', message, 'An earlier try is still open. Repeat it unchanged first.', facts);
  }
}

/** The key store failed before the first send, so that a reload could have sent another key. Nothing was sent. */
export class KeyStoreError extends IdempotentFetchError {
  constructor(intent: string, facts: ClientErrorFacts) {
    const message = `The key store failed for the intent ${intent}: ${facts.cause}. Nothing was sent. Repair the store, or leave intent out to call without one.`;
    super('key_store_failed', message, 'This was not sent.', facts);
  }
}
