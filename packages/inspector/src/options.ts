// The options of the inspector, and their check.
import { ConfigurationError, type IdempotencyStore } from '@onceguard/core';

/** Somebody who may use the inspector. Decisions and looks at contents carry the name. */
export interface Visitor {
  /** 1 to 200 characters, such as an e-mail address. */
  readonly name: string;
  /** May look, and may not decide. Default: as the option `readOnly` says. */
  readonly readOnly?: boolean;
}

/**
 * Says who sends a request. A string is the name of a visitor. Null: nobody who may enter; the request gets 403. A `Response` is sent as
 * it is: a redirect to a sign-in page, or a 401 with a challenge.
 */
export type Authorize<Subject> = (
  request: Subject,
) => string | Visitor | Response | null | undefined | Promise<string | Visitor | Response | null | undefined>;

export interface InspectorOptions<Subject = Request> {
  /** The store to look into: the one that the application uses. */
  store: IdempotencyStore;
  /** Says who sends a request. Called for every request; nothing is shown without it. */
  authorize: Authorize<Subject>;
  /** Nobody may decide anything here. Default false. */
  readOnly?: boolean;
  /** The address of a trace in your tracing tool, for its id of 32 hexadecimal digits. Default: ids are shown without a link. */
  traceUrl?: (traceId: string) => string;
}

/** Throws a `ConfigurationError` (`option_invalid`) that says what is wrong and how it must be. */
export function checkOptions<Subject>(what: string, options: InspectorOptions<Subject>): void {
  const { store, authorize, readOnly, traceUrl, ...others } = options;
  const mistakes = [
    ...(isStore(store) ? [] : ['store is no store; give the one that the application uses, such as a RedisStore']),
    ...(typeof authorize === 'function'
      ? []
      : ['authorize is missing; it must be a function that returns who sends a request, or null for nobody']),
    ...(readOnly === undefined || typeof readOnly === 'boolean' ? [] : ['readOnly must be true or false']),
    ...(traceUrl === undefined || typeof traceUrl === 'function'
      ? []
      : ['traceUrl must be a function that returns the address of a trace']),
    ...Object.keys(others).map(
      (name) => `${name} is not an option; the options are authorize, readOnly, store, traceUrl`,
    ),
  ];
  if (mistakes.length === 0) return;
  throw new ConfigurationError('option_invalid', mistakes.map((mistake) => `${what}: ${mistake}.`).join('\n'));
}

function isStore(store: unknown): boolean {
  return typeof store === 'object' && store !== null && 'read' in store && 'resolve' in store && 'scan' in store;
}
