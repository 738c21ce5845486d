// The options of `idempotency()`, the same for every framework.
import type { Policy, PolicyOptions } from '../engine/policy.js';
import type { RecoverContext, Recovery } from '../engine/recovery.js';
import type { IdempotencyStore } from '../store/port.js';
import type { TransactionPort } from '../store/transaction-port.js';
import type { RenderProblem } from './problem-document.js';
import type { RecoveredResponse } from './recovered-response.js';
import type { Classification, ResponseView } from './response-view.js';

/** Finds out what an abandoned attempt came to, and returns the response to record. See `RecoverContext`. */
export type RecoverResponse<Request> = (
  context: RecoverContext,
  request: Request,
) => Recovery<RecoveredResponse> | Promise<Recovery<RecoveredResponse>>;

/** Returns what must be the same in every repeat of this request. */
export type FingerprintFunction<Request> = (request: Request) => string | Uint8Array | Promise<string | Uint8Array>;

/**
 * One way to compare requests: `'default'`; a function, as it would stand alone in the option; or a function with a version of its own,
 * which is 1 to 16 characters of `a-z 0-9` and not `v1`, `c1` or `f1`. A function that changes needs another version.
 */
export type FingerprintVersion<Request> =
  | 'default'
  | FingerprintFunction<Request>
  | { readonly version: string; readonly of: FingerprintFunction<Request> };

/** `Request` is what the framework passes to its handlers: Express' request, Koa's context. */
export interface HttpOptions<Request> extends PolicyOptions<RecoverResponse<Request>> {
  /** The store that keeps the records. */
  store: IdempotencyStore;
  /**
   * Returns whose key it is: the id of the user, tenant or account. Never a credential, because a token is refreshed between retries.
   * `'public'` puts all callers into one scope, where they get each other's responses if they guess a key.
   */
  scope: 'public' | ((request: Request) => string | Promise<string>);
  /**
   * Returns the key of a request, in place of the header: for example the id of a webhook's event, from its body. Undefined: the request
   * has none. The key is 1 to 255 printable ASCII characters.
   */
  key?: (request: Request) => string | undefined | Promise<string | undefined>;
  /**
   * What kind of work the route does, for people and tools: 1 to 128 characters, such as `create-payment`. Given, it stands in the place
   * of method and path in the record's name, so a route that was renamed does not run a repeat; the path still counts in the fingerprint.
   * Every route of this middleware then shares the keys of a scope. Default: the method and the template of the route, or `*` where the
   * framework does not know it; that is only shown, and is no part of the name.
   */
  operation?: string;
  /**
   * Returns what the record shows to people, such as the number of an order: 1 to 100 characters, or undefined for none. Default: none.
   * Never personal data, because it is kept as long as the record.
   */
  label?: (request: Request) => string | undefined | Promise<string | undefined>;
  /** True refuses requests without a key (400 `key_missing`). Default false: they run without protection. */
  required?: boolean;
  /** The methods that the middleware applies to. Default POST and PATCH. */
  methods?: readonly string[];
  /** The header with the key. Default `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07). */
  headerName?: string;
  /** Returns true for requests that the middleware passes on without protection. Default none. */
  skip?: (request: Request) => boolean | Promise<boolean>;
  /**
   * What must be the same in every repeat. Default: method, path, query, media type and body. A function returns a string or bytes to
   * compare instead; multipart bodies need one. False compares nothing: any payload then gets the response of the key.
   *
   * To change it while keys are in use, give a list. New records use the first entry. A repeat of an older request is compared in the way
   * in which its record was made.
   */
  fingerprint?: false | FingerprintFunction<Request> | readonly FingerprintVersion<Request>[];
  /**
   * Decides what a response means: `'record'` it, release the key for a `'retry'`, or keep the key as `'unknown'` until somebody decides.
   * Undefined: its status decides (`docs/http.md`), which is also the default. Called synchronously once the response has ended, but not
   * where the handler called `markNothingHappened()` and the status is 400 or above. With GraphQL look at `response.json()`.
   */
  classify?: (response: ResponseView) => Classification | undefined;
  /**
   * A short form of `classify`, in place of it. True records the response. False makes it a failure (see `onFailure`), unless its status
   * says that the request was not processed.
   */
  isFinal?: (response: ResponseView) => boolean;
  /** Bytes of a body that are recorded. A larger response is sent but not kept: a repeat gets 410 `expired`. Default 1 048 576. */
  maxOutcomeBytes?: number;
  /**
   * Milliseconds that `skip`, `key`, `scope`, `fingerprint`, `label` and `onAbandoned` may take. After that the request fails, and nothing runs.
   * 10 to 900 000. Default 10 000.
   */
  callbackTimeoutMs?: number;
  /**
   * Headers and trailers that are not recorded; a name may end in `*`. The list replaces `defaultOmitHeaders`: spread that to add to it.
   * `idempotency-key` stands for the header of `headerName`.
   */
  omitHeaders?: readonly string[];
  /**
   * `store.transactions(…)`: what the handler writes and the recorded response are one transaction of the user's database, and the
   * response leaves after its commit. `transaction.of(…)` of the context is that transaction. A response that is not recorded rolls
   * back. Default: none.
   */
  transaction?: TransactionPort;
  /** Renders refusals. Default: as RFC 9457 problem documents. */
  renderProblem?: RenderProblem;
}

type OptionWithoutDefault =
  | 'key'
  | 'operation'
  | 'label'
  | 'skip'
  | 'fingerprint'
  | 'classify'
  | 'isFinal'
  | 'transaction'
  | 'renderProblem';

/** The checked options, with every default filled in. */
export interface CheckedHttpOptions<Request>
  extends Required<Omit<HttpOptions<Request>, keyof PolicyOptions | OptionWithoutDefault>>,
    Pick<HttpOptions<Request>, OptionWithoutDefault>,
    Policy {
  /** Set where `onAbandoned` is a function. */
  readonly recover?: RecoverResponse<Request>;
}
