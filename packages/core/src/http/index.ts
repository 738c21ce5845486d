// @onceguard/core/http: what an adapter for a web framework builds on, independent of any server.

export type { RequestBody } from './comparable-body.js';
export { isFramingHeader } from './framing-headers.js';
export type { HeaderEntry } from './headers.js';
export type { HttpContext, HttpExchange } from './http-exchange.js';
export type { FingerprintFunction, FingerprintVersion, HttpOptions } from './http-options.js';
export { createLifecycle, type Lifecycle } from './lifecycle.js';
export { defaultOmitHeaders } from './omitted-headers.js';
export { httpPaymentPolicy } from './payment-policy.js';
export type { ProblemDocument, RenderProblem } from './problem-document.js';
export { keepRawBody, rawBodyOf } from './raw-body.js';
export { encodeRecoveredResponse, type RecoveredResponse } from './recovered-response.js';
export type { CapturedResponse, OutgoingResponse } from './response.js';
export { ResponseBody } from './response-body.js';
export type { Classification, ResponseView } from './response-view.js';
