// @onceguard/core/http: what an adapter for a web framework builds on, free of any server.

export type { Classification } from './classification.js';
export type { RequestBody } from './comparable-body.js';
export { defaultOmitHeaders, type HeaderEntry, isFramingHeader } from './headers.js';
export type { HttpContext, HttpExchange, HttpResponse } from './http-exchange.js';
export {
  type FingerprintFunction,
  type FingerprintVersion,
  type HttpOptions,
  httpPaymentPolicy,
} from './http-options.js';
export { createLifecycle, type Lifecycle } from './lifecycle.js';
export type { ProblemDocument, RenderProblem } from './problem-document.js';
export { keepRawBody, rawBodyOf } from './raw-body.js';
export { encodeRecoveredResponse, type RecoveredResponse } from './recovered-response.js';
export type { CapturedResponse, OutgoingResponse } from './response.js';
export type { ResponseView } from './response-view.js';
