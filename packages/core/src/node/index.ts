// @onceguard/core/node: what an adapter for a framework on node:http needs.
export type { CapturedAnswer } from './answer.js';
export { type Capture, type CaptureOptions, captureResponse } from './capture.js';
export { type FrameworkSide, headerLines, nodeExchange } from './exchange.js';
export { keepOnly } from './head.js';
export { type ComposedAnswer, sendAnswer } from './send.js';
export { sendInPlace } from './substitute.js';
