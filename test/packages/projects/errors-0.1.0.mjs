// The errors of version 0.1.0 as they were compiled: a copy of the package that is older than this one.
/** A code is stable; its entry in `docs/errors.md` says the cause and the remedy. `status` is what HTTP answers with. */
export const errorTable = Object.freeze({
  key_missing: { status: 400, retryable: false, title: 'This request needs an idempotency key' },
  key_invalid: { status: 400, retryable: false, title: 'The idempotency key is not well-formed' },
  key_reused: { status: 422, retryable: false, title: 'The idempotency key was used for another request' },
  in_progress: { status: 409, retryable: true, title: 'A request with this idempotency key is still running' },
  outcome_unknown: { status: 409, retryable: false, title: 'An earlier attempt may have taken effect' },
  expired: { status: 410, retryable: false, title: 'Already done; the answer is no longer kept' },
  store_unavailable: { status: 503, retryable: true, title: 'The idempotency store cannot be reached' },
  scope_missing: { status: 500, retryable: false, title: 'The scope of the idempotency key is not known' },
  body_not_parsed: {
    status: 500,
    retryable: false,
    title: 'The request body was not read before the idempotency check',
  },
  store_misconfigured: { status: 503, retryable: false, title: 'The idempotency store refuses; an operator must act' },
  option_invalid: { status: 500, retryable: false, title: 'An option is not valid' },
  argument_invalid: { status: 500, retryable: false, title: 'An argument is not valid' },
  context_missing: { status: 500, retryable: false, title: 'This request has no idempotency context' },
  step_invalid: { status: 500, retryable: false, title: 'A step cannot be begun like this' },
  lease_lost: { status: 503, retryable: true, title: 'The lease was lost' },
  outcome_invalid: { status: 500, retryable: false, title: 'The outcome cannot be encoded or decoded' },
});
const brand = Symbol.for('onceguard.error');
/**
 * The base of every error here. `instanceof` holds across two copies of the package (an ESM and a CommonJS one, or two
 * versions), because it looks for the class name among the brands and not at the prototype.
 */
export class IdempotencyError extends Error {
  code;
  /** Whether the same request with the same key may succeed later. */
  retryable;
  [brand];
  constructor(code, message, options) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.retryable = errorTable[code].retryable;
    this[brand] = lineage(new.target);
    Object.defineProperty(this, brand, { enumerable: false });
  }
  static [Symbol.hasInstance](value) {
    if (typeof value !== 'object' || value === null || !(brand in value)) return false;
    const names = value[brand];
    // biome-ignore lint/complexity/noThisInStatic: the class on the right of `instanceof`, which may be a subclass
    return Array.isArray(names) && names.includes(this.name);
  }
}
function lineage(newest) {
  const names = [];
  for (let at = newest; typeof at === 'function' && at.name !== 'Error'; at = Object.getPrototypeOf(at)) {
    if (at.name !== '') names.push(at.name);
  }
  return names;
}
/** Somebody else holds the lease and is at work. Try again after `retryAfterMs`. */
export class InProgressError extends IdempotencyError {
  retryAfterMs;
  constructor(retryAfterMs) {
    super('in_progress', `Another attempt under this key is still running; try again in ${retryAfterMs} ms.`);
    this.retryAfterMs = retryAfterMs;
  }
}
/** The key names another payload. Repeating the call does not help; a new operation needs a new key. */
export class KeyReusedError extends IdempotencyError {
  constructor() {
    super('key_reused', 'This key was used with another payload. Use a new key for a new operation.');
  }
}
/** An earlier attempt may have taken effect, and nobody has decided yet. Nothing is run until somebody does. */
export class OutcomeUnknownError extends IdempotencyError {
  /** When a `recover` function may look again, if it said so. */
  retryAfterMs;
  /** What `listDoubts` and `resolve` know the record by; null inside of a step. */
  recordName;
  constructor(retryAfterMs, recordName = null, message = undecided(recordName)) {
    super('outcome_unknown', message);
    this.retryAfterMs = retryAfterMs;
    this.recordName = recordName;
  }
}
function undecided(recordName) {
  const which = recordName === null ? '' : ` about the record ${recordName}`;
  return `An earlier attempt under this key may have taken effect; somebody has to decide${which}.`;
}
/** The work is done; its result is no longer kept, or was too large to keep. */
export class OutcomeExpiredError extends IdempotencyError {
  /** Milliseconds since 1970 on the store's clock. */
  completedAt;
  constructor(completedAt) {
    super('expired', `This work was done at ${new Date(completedAt).toISOString()}; its result is no longer kept.`);
    this.completedAt = completedAt;
  }
}
/** The lease is over or somebody else's: stop, and do not act any more. The abort reason of an operation's signal. */
export class LeaseLostError extends IdempotencyError {
  constructor(why) {
    super('lease_lost', `The lease was lost: ${why}.`);
  }
}
/** An option or an argument that cannot be meant. The message shows name, value and remedy. */
export class ConfigurationError extends IdempotencyError {}
const storeErrorCodes = {
  unavailable: 'store_unavailable',
  unknown: 'store_unavailable',
  misconfigured: 'store_misconfigured',
  bug: 'argument_invalid',
};
/** The store did not answer, or refused. Never an answer of the protocol. */
export class StoreError extends IdempotencyError {
  class;
  constructor(storeClass, message, options) {
    super(storeErrorCodes[storeClass], message, options);
    this.class = storeClass;
  }
}
