// Every error of onceguard: the table of codes, and the error classes.

/**
 * The error codes, which are stable. `docs/errors.md` has the cause and the remedy of each. `status` is the status of the HTTP response;
 * `retryable` says whether the same call with the same key may succeed later.
 */
export const errorTable = Object.freeze({
  key_missing: { status: 400, retryable: false, title: 'This request needs an idempotency key' },
  key_invalid: { status: 400, retryable: false, title: 'The idempotency key is not well-formed' },
  key_reused: { status: 422, retryable: false, title: 'The idempotency key was used for another request' },
  in_progress: { status: 409, retryable: true, title: 'A request with this idempotency key is still running' },
  outcome_unknown: { status: 409, retryable: false, title: 'An earlier attempt may have taken effect' },
  expired: { status: 410, retryable: false, title: 'Already done; the outcome is no longer kept' },
  store_unavailable: { status: 503, retryable: true, title: 'The idempotency store cannot be reached' },
  scope_missing: { status: 500, retryable: false, title: 'The scope of the idempotency key is not known' },
  body_not_parsed: {
    status: 500,
    retryable: false,
    title: 'The request body was not read before the idempotency check',
  },
  body_too_large: { status: 413, retryable: false, title: 'The request body is too large' },
  body_type_unsupported: { status: 415, retryable: false, title: 'The media type of the request body is not accepted' },
  record_damaged: { status: 503, retryable: false, title: 'The record of this idempotency key cannot be read' },
  store_misconfigured: { status: 503, retryable: false, title: 'The idempotency store refuses; an operator must act' },
  option_invalid: { status: 500, retryable: false, title: 'An option is not valid' },
  argument_invalid: { status: 500, retryable: false, title: 'An argument is not valid' },
  context_missing: { status: 500, retryable: false, title: 'This request has no idempotency context' },
  step_invalid: { status: 500, retryable: false, title: 'A step cannot be begun like this' },
  lease_lost: { status: 503, retryable: true, title: 'The lease was lost' },
  outcome_invalid: { status: 500, retryable: false, title: 'The outcome cannot be encoded or decoded' },
  transaction_conflict: { status: 503, retryable: true, title: 'The transaction was rolled back; nothing happened' },
  transaction_refused: {
    status: 500,
    retryable: false,
    title: 'The database refused the transaction; nothing happened',
  },
  transaction_timeout: { status: 503, retryable: true, title: 'The work took too long; nothing happened' },
  transaction_over: { status: 500, retryable: false, title: 'The transaction is over' },
  transaction_missing: { status: 500, retryable: false, title: 'This context has no transaction' },
} as const);

export type ErrorCode = keyof typeof errorTable;

const errorNamesKey = Symbol.for('onceguard.error');

/**
 * The base class of all errors of onceguard. `instanceof` works across two copies of the package (ESM and CommonJS, or two versions) and
 * in minified bundles, because it compares `errorName`, a fixed string of each class.
 *
 * A subclass of yours that must be recognised across copies too declares its own name:
 * `static override readonly errorName: string = 'LedgerError'`. Without it, `instanceof` uses the prototype chain, as for any class, and
 * `name` is that of the class that it extends.
 *
 * @example
 * if (error instanceof IdempotencyError && error.retryable) await retryLater();
 */
export class IdempotencyError extends Error {
  /** The name of the class and of its errors. Not `constructor.name`, which a minifier changes. */
  static readonly errorName: string = 'IdempotencyError';

  readonly code: ErrorCode;
  /** Whether the same request with the same key may succeed later. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.errorName;
    this.code = code;
    this.retryable = errorTable[code].retryable;
  }

  /** The names of its class and of the classes above it. On the prototype, so that restored errors have it too. */
  get [errorNamesKey](): readonly string[] {
    return errorNames(this.constructor);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class on the right of `instanceof`, which may be a subclass
    return isInstance(value, this);
  }
}

function isInstance(value: unknown, errorClass: typeof IdempotencyError): boolean {
  if (Function.prototype[Symbol.hasInstance].call(errorClass, value)) return true;
  if (typeof value !== 'object' || value === null || !(errorNamesKey in value)) return false;
  const names = value[errorNamesKey];
  return Array.isArray(names) && Object.hasOwn(errorClass, 'errorName') && names.includes(errorClass.errorName);
}

/** The names that a class and the classes above it declare. */
function errorNames(errorClass: unknown): string[] {
  const names: string[] = [];
  for (let at = errorClass; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, 'errorName')) names.push(String(Reflect.get(at, 'errorName')));
  }
  return names;
}

/** Another attempt holds the lease and is at work. Try again after `retryAfterMs`. */
export class InProgressError extends IdempotencyError {
  static override readonly errorName: string = 'InProgressError';

  /** In milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('in_progress', `Another attempt under this key is still running; try again in ${retryAfterMs} ms.`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The key was used with another payload. A repeat does not help; a new operation needs a new key. */
export class KeyReusedError extends IdempotencyError {
  static override readonly errorName: string = 'KeyReusedError';

  constructor() {
    super('key_reused', 'This key was used with another payload. Use a new key for a new operation.');
  }
}

/** An earlier attempt may have taken effect, and nobody has decided yet whether it did. Nothing runs until somebody decides. */
export class OutcomeUnknownError extends IdempotencyError {
  static override readonly errorName: string = 'OutcomeUnknownError';

  /** When a `recover` function may look again, in milliseconds from now, if it said so. */
  readonly retryAfterMs: number | null;
  /** The name by which `listDoubts` and `resolveDoubt` know the record. Null in an error that a step throws. */
  readonly recordName: string | null;

  constructor(
    retryAfterMs: number | null,
    recordName: string | null = null,
    message = outcomeUnknownMessage(recordName),
  ) {
    super('outcome_unknown', message);
    this.retryAfterMs = retryAfterMs;
    this.recordName = recordName;
  }
}

function outcomeUnknownMessage(recordName: string | null): string {
  const which = recordName === null ? '' : ` about the record ${recordName}`;
  return `An earlier attempt under this key may have taken effect; somebody has to decide${which}.`;
}

/** The work is done. Its outcome is no longer kept, or was too large to keep. */
export class OutcomeExpiredError extends IdempotencyError {
  static override readonly errorName: string = 'OutcomeExpiredError';

  /** Milliseconds since 1970 on the store's clock. */
  readonly completedAt: number;

  constructor(completedAt: number) {
    super('expired', `This work was done at ${new Date(completedAt).toISOString()}; its result is no longer kept.`);
    this.completedAt = completedAt;
  }
}

/** The lease is over, or another owner holds it: stop acting. It is the abort reason of an operation's signal. */
export class LeaseLostError extends IdempotencyError {
  static override readonly errorName: string = 'LeaseLostError';

  constructor(why: string) {
    super('lease_lost', `The lease was lost: ${why}.`);
  }
}

/** An option or an argument is not valid. The message shows its name, its value and the remedy. */
export class ConfigurationError extends IdempotencyError {
  static override readonly errorName: string = 'ConfigurationError';
}

/**
 * What the failure of a store call means.
 *
 * - `unavailable`: the call was not executed; retry soon.
 * - `unknown`: the call may have been executed; repeat it with the same token.
 * - `misconfigured`: the call was not executed; an operator must act.
 * - `damaged`: the record fails its checksum. Nothing runs and nothing is replayed until an operator removes or restores it.
 * - `bug`: the request or the reply makes no sense.
 */
export type StoreErrorClass = 'unavailable' | 'unknown' | 'misconfigured' | 'damaged' | 'bug';

/** Why a store refused bytes: it has no room left, or takes no value of this size. */
export type StoreRefusal = 'full' | 'too_large';

export interface StoreErrorOptions extends ErrorOptions {
  /** Set where the same call with fewer bytes may succeed. */
  readonly refusal?: StoreRefusal;
  /** Whether the key holds something that cannot be read. Default: true for the class `damaged`, else false. */
  readonly unreadable?: boolean;
}

const storeErrorCodes = {
  unavailable: 'store_unavailable',
  unknown: 'store_unavailable',
  misconfigured: 'store_misconfigured',
  damaged: 'record_damaged',
  bug: 'argument_invalid',
} as const satisfies Record<StoreErrorClass, ErrorCode>;

/** A store call failed: there was no reply, or the store refused. Replies of the protocol, such as `lost`, are not errors. */
export class StoreError extends IdempotencyError {
  static override readonly errorName: string = 'StoreError';

  readonly class: StoreErrorClass;
  /** Why the store refused the bytes. Null: the failure has nothing to do with their size. */
  readonly refusal: StoreRefusal | null;
  /** The key holds something that cannot be read, perhaps a record of finished work. It does not run, not even with `bypass`. */
  readonly unreadable: boolean;

  constructor(storeClass: StoreErrorClass, message: string, options: StoreErrorOptions = {}) {
    super(storeErrorCodes[storeClass], message, options);
    this.class = storeClass;
    this.refusal = options.refusal ?? null;
    this.unreadable = options.unreadable ?? storeClass === 'damaged';
  }
}
