// The options of `idempotency()`: the same for every framework, checked once when the middleware is made.
import { z } from 'zod';
import {
  checkPolicy,
  type Policy,
  type PolicyOptions,
  paymentPolicy,
  policyFields,
  storeField,
  withDefaultTombstone,
} from '../engine/policy.js';
import type { RecoverContext, Recovery } from '../engine/recovery.js';
import { milliseconds, parseOptions, wholeNumber } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';
import type { Classification } from './classification.js';
import { defaultOmitHeaders, headerNamePattern } from './headers.js';
import type { RenderProblem } from './problem-document.js';
import type { RecoveredResponse } from './recovered-response.js';
import type { ResponseView } from './response-view.js';

/** `paymentPolicy` for endpoints: it also refuses a request without a key. Spread it into the options; what follows it wins. */
export const httpPaymentPolicy = Object.freeze({ ...paymentPolicy, required: true });

/** Finds out what an abandoned attempt came to, and gives the answer to record. See `RecoverContext`. */
export type RecoverResponse<Request> = (
  context: RecoverContext,
  request: Request,
) => Recovery<RecoveredResponse> | Promise<Recovery<RecoveredResponse>>;

/** What must be the same in every repeat of this request. */
export type FingerprintFunction<Request> = (request: Request) => string | Uint8Array | Promise<string | Uint8Array>;

/**
 * One way to compare requests: `'default'`; a function as it stood alone in the option; or a function under a version of its own, 1 to 16
 * of `a-z 0-9`, but none of `v1`, `c1` and `f1`. A function that changes needs another version.
 */
export type FingerprintVersion<Request> =
  | 'default'
  | FingerprintFunction<Request>
  | { readonly version: string; readonly of: FingerprintFunction<Request> };

/** `Request` is what the framework hands to its handlers: Express' request, Koa's context. */
export interface HttpOptions<Request> extends PolicyOptions<RecoverResponse<Request>> {
  /** Where records are kept. */
  store: IdempotencyStore;
  /**
   * Whose keys these are: the user, the tenant, the account. Never a credential: a token is refreshed between retries. `'public'`
   * puts all callers into one scope, who then see each other's answers when they guess a key.
   */
  scope: 'public' | ((request: Request) => string | Promise<string>);
  /**
   * Gives the key of a request, in place of the header: the id of a webhook's event, from its body. Undefined: it has none. The key is
   * 1 to 255 printable ASCII characters.
   */
  key?: (request: Request) => string | undefined | Promise<string | undefined>;
  /** Refuse requests without a key (400 `key_missing`). Default false: they run without protection. */
  required?: boolean;
  /** The methods it applies to. Default POST and PATCH. */
  methods?: readonly string[];
  /** Default `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07). */
  headerName?: string;
  /** Requests that it does not apply to. */
  skip?: (request: Request) => boolean | Promise<boolean>;
  /**
   * What must be the same in every repeat. Default: method, path, query, media type and body. A function gives a string or bytes to
   * compare instead; it is needed for multipart. False compares nothing: a key then answers for any payload.
   *
   * To change it while keys are in use, give a list: new records use the first, and a repeat of an older request is compared in the way
   * that its record was made.
   */
  fingerprint?: false | FingerprintFunction<Request> | readonly FingerprintVersion<Request>[];
  /**
   * What an answer means: `'record'` it, free the key for a `'retry'`, or keep the key as `'unknown'` until somebody decides. Undefined:
   * what its status says (`docs/http.md`), which is also the default. Called once the answer is complete; not called where the handler
   * said `markNothingHappened()` and the status is 400 or above. With GraphQL look at `answer.json()`.
   */
  classify?: (answer: ResponseView) => Classification | undefined;
  /**
   * The short form of `classify`: true records the answer. False makes it a failure (see `onFailure`), unless its status says that the
   * request was not processed. Give one of the two.
   */
  isFinal?: (answer: ResponseView) => boolean;
  /** Larger answers are sent, but not kept: a repeat is told 410 `expired`. Default 1 048 576. */
  maxOutcomeBytes?: number;
  /**
   * How long `skip`, `key`, `scope`, `fingerprint` and `onAbandoned` may take. Later the request fails, and nothing runs. Default
   * 10 000.
   */
  callbackTimeoutMs?: number;
  /**
   * Headers and trailers that are not recorded; a name may end in `*`. Replaces `defaultOmitHeaders`; spread that to add to it.
   * `idempotency-key` stands for the header of `headerName`.
   */
  omitHeaders?: readonly string[];
  /** Renders refusals otherwise than as RFC 9457 problem documents. */
  renderProblem?: RenderProblem;
}

type OptionWithoutDefault = 'key' | 'skip' | 'fingerprint' | 'classify' | 'isFinal' | 'renderProblem';

/** The same, every default filled in. */
export interface CheckedHttpOptions<Request>
  extends Required<Omit<HttpOptions<Request>, keyof PolicyOptions | OptionWithoutDefault>>,
    Pick<HttpOptions<Request>, OptionWithoutDefault>,
    Policy {
  /** Where `onAbandoned` is a function. */
  readonly recover?: RecoverResponse<Request>;
}

const functionField = z.custom<(request: never) => unknown>((value) => typeof value === 'function', {
  error: 'it must be a function',
});
const headerNameField = z.string().regex(headerNamePattern, 'it must be the name of a header');
const scopeRemedy =
  'it must say whose keys these are: a function of the request that gives the id of its user or tenant, or the word "public". Without it, one caller could get the answer of another';

const versionRule =
  'it must be 1 to 16 of a-z 0-9, and none of v1, c1 and f1, which stand for the default and for functions without a version';

const fingerprintVersionField = z.union(
  [
    z.literal('default'),
    functionField,
    z.strictObject({
      version: z.string().regex(/^(?!(?:v1|c1|f1)$)[a-z0-9]{1,16}$/, versionRule),
      of: functionField,
    }),
  ],
  'it must be "default", a function, or { version, of }',
);

const httpOptionsSchema = z
  .strictObject({
    store: storeField,
    scope: z.union([z.literal('public'), functionField], { error: scopeRemedy }),
    key: functionField.optional(),
    required: z.boolean().default(false),
    methods: z.array(z.string().min(1)).default(['POST', 'PATCH']),
    headerName: headerNameField.default('Idempotency-Key'),
    skip: functionField.optional(),
    fingerprint: z
      .union(
        [z.literal(false), functionField, z.array(fingerprintVersionField).min(1, 'it must have at least one version')],
        {
          error: 'it must be a function of the request, a list of versions, or false to compare nothing',
        },
      )
      .optional(),
    classify: functionField.optional(),
    isFinal: functionField.optional(),
    maxOutcomeBytes: wholeNumber('bytes', 1, 536_870_912, 'For one mebibyte write 1048576.').default(1_048_576),
    callbackTimeoutMs: milliseconds(10, 900_000).default(10_000),
    omitHeaders: z.array(z.string().min(1)).default([...defaultOmitHeaders]),
    renderProblem: functionField.optional(),
    ...policyFields,
  })
  .superRefine(checkPolicy)
  .superRefine(checkClassifyOrIsFinal)
  .superRefine(checkFingerprintVersions);

function checkClassifyOrIsFinal(
  { classify, isFinal }: { classify?: unknown; isFinal?: unknown },
  context: z.core.$RefinementCtx,
): void {
  if (classify === undefined || isFinal === undefined) return;
  const message = 'it must be left out where classify is given: what it says of an answer, classify can say too';
  context.addIssue({ code: 'custom', path: ['isFinal'], message, input: isFinal });
}

/** A record names the version that it was made under, and one only. */
function checkFingerprintVersions({ fingerprint }: { fingerprint?: unknown }, context: z.core.$RefinementCtx): void {
  if (!Array.isArray(fingerprint)) return;
  const versions = fingerprint.map((one) => (typeof one === 'object' ? one.version : typeof one));
  const at = versions.findIndex((version, index) => versions.indexOf(version) < index);
  if (at < 0) return;
  const message = 'it must have another version than those before it in the list';
  context.addIssue({ code: 'custom', path: ['fingerprint', at], message, input: fingerprint[at] });
}

/** Throws a `ConfigurationError` that names every option that cannot be meant, its value and the remedy. */
export function checkHttpOptions<Request>(options: HttpOptions<Request>): CheckedHttpOptions<Request> {
  const checked = withDefaultTombstone(parseOptions('idempotency()', httpOptionsSchema, options));
  const { scope, key, skip, fingerprint, classify, isFinal, renderProblem, onAbandoned } = options;
  const recover = typeof onAbandoned === 'function' ? onAbandoned : undefined;
  const chosen = { key, skip, fingerprint, classify, isFinal, renderProblem, recover };
  const methods = checked.methods.map((method) => method.toUpperCase());
  return { ...checked, ...withoutUndefined(chosen), scope, methods };
}

/** Functions come from the caller's own object: a schema gives them back without their types. */
function withoutUndefined<T extends object>(options: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}
