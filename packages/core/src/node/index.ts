// @onceguard/core/node: what an adapter for a framework on node:http builds on.

export { type Capture, type CaptureOptions, captureResponse } from './capture/capture.js';
export { type FrameworkAdapter, headerLines, nodeExchange } from './node-exchange.js';
export { replayThroughMiddleware } from './replay-through-middleware.js';
export { removeHeadersExcept } from './response-head.js';
export { sendResponse } from './send-response.js';
