// @onceguard/nest: a repeated request runs once and gets the recorded response. For NestJS 11 and 12, on Express and on Fastify.
export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy } from '@onceguard/core/http';
export { IdempotencyContext, Idempotent, idempotencyOf } from './decorators.js';
export { IdempotencyModule, type IdempotencyModuleAsyncOptions } from './module.js';
export type { IdempotencyModuleOptions, IdempotentOptions } from './options.js';
