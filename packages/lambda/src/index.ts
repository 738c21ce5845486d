// @onceguard/lambda: idempotency for AWS Lambda. A repeated request or message runs once and gets the recorded outcome.
export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy } from '@onceguard/core/http';
export { idempotencyOf } from './http/event-context.js';
export type { HttpEvent } from './http/event-request.js';
export { type IdempotencyOptions, type LambdaHandler, withIdempotency } from './http/with-idempotency.js';
export type { LambdaContext } from './remaining-time.js';
export { idempotentSqs, type SqsBatchResponse } from './sqs/idempotent-sqs.js';
export type { SqsOptions, SqsRecord } from './sqs/sqs-options.js';
