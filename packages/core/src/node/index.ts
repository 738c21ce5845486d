// @onceguard/core/node: what an adapter for a framework on node:http builds on.

export type { Capture, CaptureOptions } from './capture/capture.js';
export { captureResponse } from './capture/capture-response.js';
export {
  type FrameworkAdapter,
  headerLines,
  nodeExchange,
  onDisconnect,
  publishSendFailed,
} from './node-exchange.js';
export { type HeaderSnapshots, mergeCurrentHeaders, replayThroughMiddleware } from './replay-through-middleware.js';
export { requestBody, whenBodyKnown } from './request-body.js';
export { removeHeadersExcept } from './response-head.js';
export { sendResponse } from './send-response.js';
