// @onceguard/web: a repeated request runs once and gets the recorded response. For handlers that take a Request and return a Response.

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy } from '@onceguard/core/http';
export type { IdempotencyOptions } from './options.js';
export { clientSignalOf, idempotencyOf } from './request-context.js';
export { withIdempotency } from './with-idempotency.js';
