// @onceguard/core/http: what an adapter for a web framework builds on, independent of any server.

export { HiddenProperty } from '../hidden-property.js';
export type { RequestBody } from './comparable-body.js';
export { type DecodedResponse, decodeResponse } from './decoded-response.js';
export { isFramingHeader } from './framing-headers.js';
export type { HeaderEntry } from './headers.js';
export type { HttpContext, HttpExchange } from './http-exchange.js';
export type { CheckedHttpOptions, FingerprintFunction, FingerprintVersion, HttpOptions } from './http-options.js';
export { type ParsedKey, parseKey } from './idempotency-key.js';
export { createLifecycle, type Lifecycle, type RequestLimits } from './lifecycle.js';
export { defaultOmitHeaders } from './omitted-headers.js';
export { httpPaymentPolicy } from './payment-policy.js';
export type { ProblemDocument, RenderProblem } from './problem-document.js';
export { keepRawBody, rawBodyOf } from './raw-body.js';
export { encodeRecoveredResponse, type RecoveredResponse } from './recovered-response.js';
export type { CapturedResponse, OutgoingResponse } from './response.js';
export { ResponseBody } from './response-body.js';
export type { Classification, ResponseView } from './response-view.js';
export { nextBatch } from './tick-batch.js';
