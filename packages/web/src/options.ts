// The options of `withIdempotency()`: those of every framework, and what a plain handler does not say about its platform.
import { ConfigurationError } from '@onceguard/core';
import type { WebOptions } from '@onceguard/core/web';

/** What a handler is called with. */
export type HandlerArguments = readonly [unknown, ...unknown[]];

/** The options of `withIdempotency()`. Functions such as `scope` receive the handler's first argument. */
export interface IdempotencyOptions<Args extends HandlerArguments = readonly [Request]> extends WebOptions<Args[0]> {
  /** Returns the Request. Default: the first argument, or its `request`, `req` or `req.raw`. */
  request?: (first: Args[0]) => Request;
  /**
   * Returns the response that the framework makes of something that the handler threw, or undefined if it makes none. Needed where
   * `redirect()` throws: a throw is a failure, and the work would run again. `@onceguard/web/next` and `/sveltekit` have one. A thrown
   * Response needs none.
   */
  responseOf?: (thrown: unknown) => Response | undefined | Promise<Response | undefined>;
  /**
   * Keeps the runtime awake until `work` settles: `(work, request, env, ctx) => ctx.waitUntil(work)`, or `after` of Next. Needed where
   * the platform stops code after the response or when the client leaves. It is called first; an error that it throws is the request's.
   */
  waitUntil?: (work: Promise<unknown>, ...args: Args) => void;
  /** Returns what a parser made of the body, for frameworks that read it before the handler. Undefined: nobody has read it. */
  parsedBody?: (first: Args[0]) => unknown;
  /**
   * Returns whether the framework made this 404 or 405 because no route matched. Needed where a whole application is the handler: its 404
   * is recorded otherwise.
   */
  isUnrouted?: (response: Response) => boolean;
}

/** The options that are for the handler. */
export type HandlerOptions<Args extends HandlerArguments> = Pick<
  IdempotencyOptions<Args>,
  'request' | 'responseOf' | 'waitUntil' | 'parsedBody' | 'isUnrouted'
>;

/** Throws a `ConfigurationError` that names every option for the handler that is not a function. */
export function splitOptions<Args extends HandlerArguments>(
  options: IdempotencyOptions<Args>,
): [handler: HandlerOptions<Args>, web: WebOptions<Args[0]>] {
  const { request, responseOf, waitUntil, parsedBody, isUnrouted, ...web } = options;
  const handler = { request, responseOf, waitUntil, parsedBody, isUnrouted };
  const invalid = Object.entries(handler).filter(([, value]) => value !== undefined && typeof value !== 'function');
  if (invalid.length === 0) return [withoutUndefined(handler), web];
  const lines = invalid.map(
    ([name]) => `withIdempotency(): ${name} is not a function; it must be one, or be left out.`,
  );
  throw new ConfigurationError('option_invalid', lines.join('\n'));
}

function withoutUndefined<T extends object>(options: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const defined = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}
