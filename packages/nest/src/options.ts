// The options of the module and of @Idempotent(), and how they are merged.
import { ConfigurationError, type FinalErrors } from '@onceguard/core';
import type { HttpOptions } from '@onceguard/core/http';

/** A request of Express or of Fastify, or the data of a message. */
// biome-ignore lint/suspicious/noExplicitAny: Nest itself types requests and data as any; a guard adds `user` to them
export type AnyInput = any;

/**
 * The options of `IdempotencyModule.forRoot()`, which hold for every handler with `@Idempotent()`. Functions among them get the request of
 * Express or of Fastify. There is no option `methods`: the decorator says to which handlers they apply.
 */
export type IdempotencyModuleOptions<Request = AnyInput> = Omit<HttpOptions<Request>, 'methods'>;

/** The options of `@Idempotent()`. They win over those of the module. On a message handler, functions get the data of the message. */
export interface IdempotentOptions<Input = AnyInput> extends Partial<IdempotencyModuleOptions<Input>> {
  /**
   * Where idempotency takes place among the interceptors of an HTTP route. `outermost`: no interceptor runs on a replay. `route`: where the
   * decorator stands, so that interceptors outside of it run on a replay too. Uploads need `route`. Default `outermost`.
   */
  position?: 'outermost' | 'route';
  /** The errors of a mutation or a message handler that are an outcome: they are recorded, and every repeat throws them. Default none. */
  finalErrors?: FinalErrors;
}

/** The options of one handler, merged and not checked yet. */
export type HandlerOptions = IdempotencyModuleOptions & Pick<IdempotentOptions, 'position' | 'finalErrors'>;

/** The later options win. `classify` and `isFinal` exclude each other, so each replaces the other too. */
export function mergeOptions(module: IdempotencyModuleOptions, ...later: readonly IdempotentOptions[]): HandlerOptions {
  return later.reduce<HandlerOptions>((merged, own) => {
    const { classify, isFinal, ...others } = merged;
    const isReplaced = own.classify !== undefined || own.isFinal !== undefined;
    return { ...(isReplaced ? others : merged), ...own };
  }, module);
}

/** Callers without types may pass it, and would take their GET requests for guarded. */
export function refuseMethods(options: IdempotencyModuleOptions | IdempotentOptions): void {
  if (Reflect.get(Object(options), 'methods') === undefined) return;
  const remedy =
    'Remove it, and put @Idempotent() on each handler that it should apply to: on a handler it applies to any method, on a controller to POST, PUT, PATCH and DELETE.';
  throw new ConfigurationError('option_invalid', `methods is not an option of @onceguard/nest. ${remedy}`);
}
