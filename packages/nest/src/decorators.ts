// The decorators that applications write: @Idempotent() on handlers and controllers, @IdempotencyContext() on parameters.
import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import { IdempotencyError } from '@onceguard/core';
import type { HttpContext } from '@onceguard/core/http';
import { contextOf } from './contexts.js';
import { HandlerInterceptor } from './interceptors.js';
import { policyMetadata } from './metadata.js';
import type { AnyInput, IdempotentOptions } from './options.js';

/**
 * Makes a handler idempotent: of all requests under one key one runs, and every repeat gets the recorded response. Guards run before, for
 * every request. Pipes and the other interceptors run once, with the handler.
 *
 * - On a handler of a controller, for its method. On a controller, for its POST, PUT, PATCH and DELETE handlers; `@Idempotent(false)` takes
 *   one out.
 * - On a mutation of GraphQL: each field of the mutation has a record of its own. Queries run as usual.
 * - On a message or event handler of a microservice: needs `key` and `scope`, which get the data of the message.
 *
 * `options` win over those of `IdempotencyModule`. An option that is not valid is a `ConfigurationError` when the application starts. So
 * is a missing `IdempotencyModule`.
 *
 * @example
 * @Post()
 * @Idempotent({ ...httpPaymentPolicy, required: true })
 * pay(@Body() payment: PaymentDto) {
 *   return this.payments.create(payment);
 * }
 */
export function Idempotent<Input = AnyInput>(options: IdempotentOptions<Input> | false = {}) {
  if (options === false) return applyDecorators(SetMetadata(policyMetadata, false));
  return applyDecorators(SetMetadata(policyMetadata, options), UseInterceptors(HandlerInterceptor));
}

/**
 * The context of the execution as a parameter of the handler, an `HttpContext`. Where the request has no key, it throws an `IdempotencyError` (`context_missing`), so that no downstream call omits the key by mistake. With `{ optional: true }` the
 * parameter is undefined instead.
 *
 * @example
 * pay(@Body() payment: PaymentDto, @IdempotencyContext() { deriveKey }: HttpContext) {
 *   return this.provider.charge(payment, { idempotencyKey: deriveKey('charge') });
 * }
 */
export const IdempotencyContext = createParamDecorator<{ readonly optional?: boolean } | undefined>(
  (options, context) => (options?.optional === true ? contextOf(context) : idempotencyOf(context)),
);

/**
 * The same for interceptors inside of `@Idempotent()`, from the `ExecutionContext` that Nest gives them. Throws an
 * `IdempotencyError` (`context_missing`) where the request has no key.
 *
 * @example
 * intercept(context: ExecutionContext, next: CallHandler) {
 *   this.logger.log(`attempt ${idempotencyOf(context).attempt}`);
 *   return next.handle();
 * }
 */
export function idempotencyOf(context: ExecutionContext): HttpContext {
  const found = contextOf(context);
  if (found !== undefined) return found;
  const remedy =
    'It brought no key, or the handler has no @Idempotent(). Set required: true, or use @IdempotencyContext({ optional: true }).';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}
