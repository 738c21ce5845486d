// The name of a record: a digest of the key, of whose key it is, and of the work. Stores never see the client's own string.
import { digest } from '../digest.js';
import { ConfigurationError } from '../errors.js';

/** What identifies a record. Which of its three forms applies is said by `recordName`. */
export interface RecordNameParts {
  /**
   * Whose key it is, as the option `scope` gave it: the id of the user, tenant or account. `'public'` is the scope that all callers
   * share. Where a function of the request returned the very word `public`, write `{ of: 'public' }`.
   */
  readonly scope: string | { readonly of: string };
  /** The idempotency key, without quotes. */
  readonly key: string;
  /** The option `operation`, where it was given. Not the operation that a record has by default. */
  readonly operation?: string | undefined;
  /** The method of a request to a route without the option `operation`. */
  readonly method?: string | undefined;
  /** The path of that request as it was sent, without the query. */
  readonly path?: string | undefined;
}

/**
 * The name of a record at its store, as events, `listDoubts` and problem documents show it: 43 characters of `A-Z a-z 0-9 _ -`. It is a
 * digest without a secret: it does not reveal a key that cannot be guessed.
 *
 * - `{ scope, key, operation }`: work with the option `operation`, over HTTP and of functions.
 * - `{ scope, key, method, path }`: a request to a route without that option.
 * - `{ scope, key }`: a function without that option.
 *
 * @throws ConfigurationError (`argument_invalid`) for parts of no such form
 *
 * @example
 * const view = await lookup(store, recordName({ scope: 'alice', key: 'order-17', method: 'POST', path: '/payments' }));
 */
export function recordName({ scope, key, operation, method, path }: RecordNameParts): string {
  const ofWhom = typeof scope === 'object' ? scope?.of : scope;
  assertText('scope', ofWhom);
  assertText('key', key);
  const whose = scope === 'public' ? scope : `of ${ofWhom}`;
  if (operation !== undefined && method === undefined && path === undefined) {
    assertText('operation', operation);
    return operationRecordName(whose, operation, key);
  }
  if (operation === undefined && method !== undefined && path !== undefined) {
    assertText('method', method);
    assertText('path', path);
    return requestRecordName(whose, method.toUpperCase(), path, key);
  }
  if (operation === undefined && method === undefined && path === undefined) {
    return functionRecordName(ofWhom, key);
  }
  const forms = '{ scope, key, operation }, { scope, key, method, path } or { scope, key }';
  throw new ConfigurationError('argument_invalid', `recordName() got other parts; they must be ${forms}.`);
}

/** Of work with the option `operation`. `whose` is `public`, or `of ` and the scope. */
export function operationRecordName(whose: string, operation: string, key: string): string {
  return digest(['onceguard operation 1', whose, operation, key]);
}

/** Of a request. `path` is that of `splitTarget`. */
export function requestRecordName(whose: string, method: string, path: string, key: string): string {
  return digest(['onceguard name 1', whose, method, path, key]);
}

/** Of a function, whose scope stands alone. */
export function functionRecordName(scope: string, key: string): string {
  return digest(['onceguard function 1', scope, key]);
}

function assertText(name: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value !== '') return;
  throw new ConfigurationError(
    'argument_invalid',
    `recordName() got no ${name}; it must be a string that is not empty.`,
  );
}
