// @onceguard/core/http: what an adapter for a web framework builds on, free of any server.
export { type AnswerFound, encodeAnswer } from './answer-found.js';
export type { AnswerView } from './answer-view.js';
export type { RequestBody } from './body.js';
export type { Exchange, HttpAnswer, HttpContext, WholeAnswer } from './exchange.js';
export { defaultOmitHeaders, type HeaderEntry, isFraming } from './headers.js';
export { createLifecycle, type Lifecycle } from './lifecycle.js';
export type { FingerprintFunction, FingerprintVersion, HttpOptions } from './options.js';
export type { ProblemDocument, RenderProblem } from './problem.js';
export { keepRawBody, rawBodyOf } from './raw-body.js';
export type { Classification } from './settle.js';
