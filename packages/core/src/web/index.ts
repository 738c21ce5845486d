// @onceguard/core/web: what an adapter for a framework with Request and Response builds on.

export { attachContext, contextOf } from './request-contexts.js';
export { clientSignal } from './request-signal.js';
export { toHeaderEntries } from './response-headers.js';
export type { KnownBody, ResponseBytes, ResponseParts, WebAdapter } from './web-adapter.js';
export { createWebLifecycle, type WebLifecycle } from './web-lifecycle.js';
export type { WebOptions } from './web-options.js';
