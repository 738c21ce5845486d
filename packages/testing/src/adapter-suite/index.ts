// @onceguard/testing/adapters: the tests of what an adapter for a framework promises.
export { type AdapterSuiteOptions, adapterSuite } from './adapter-suite.js';
export { type Capability, capabilities } from './capabilities.js';
export type {
  AppSpec,
  Call,
  ClosableListener,
  Framework,
  GivenReply,
  Handler,
  LayerAction,
  LayerCall,
  LayerResult,
  Listener,
  NodeLayer,
  Options,
  Parser,
  Reply,
  ResponseHeaders,
  TimeoutLayer,
  Transport,
  UnseenTimeoutLayer,
} from './framework.js';
export { nodeHeaders } from './node-headers.js';
export { memoryStores, type OpenedStore, type SuiteStore } from './stores.js';
