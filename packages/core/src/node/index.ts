// @onceguard/core/node: what an adapter for a framework on node:http needs.
export type { CapturedAnswer } from './answer.js';
export { type Capture, type CaptureOptions, captureResponse } from './capture.js';
export { type FrameworkSide, headerLines, keepOnly, nodeExchange } from './exchange.js';
export { type ComposedAnswer, sendAnswer } from './send.js';
