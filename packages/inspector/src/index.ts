// @onceguard/inspector: a page to find records, to see what happens now, and to decide about unknown outcomes.

export { inspectorHandler } from './handler.js';
export { inspector } from './node-mount.js';
export type { Authorize, InspectorOptions, Visitor } from './options.js';
export { type RevealedEvent, revealedChannel } from './reveal.js';
