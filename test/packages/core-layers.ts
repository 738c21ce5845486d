// The layers of core, from the lowest: what each may import.

export interface Layer {
  /** The layers that it may import: each stands above it in the list, so that no circle can be written down. */
  readonly layers: readonly string[];
  /** What else it may import; `node:*` is all that Node has. */
  readonly modules?: readonly string[];
}

const leaves = [
  ...['process-wide', 'hidden-property', 'placeholder', 'errors', 'events', 'tracing-channels', 'cached-replies'],
  ...['parse-options', 'digest', 'value-codec', 'timers'],
];
const port = ['protocol/record', 'protocol', 'store'];
const redisLayers = ['stores/redis/wire', 'stores/redis/connection', 'stores/redis/diagnostics'];

/** A layer of core is a folder or a file of `src`; what a record is stands apart from what is done with it. */
export const coreLayers: Readonly<Record<string, Layer>> = {
  'process-wide': { layers: [] },
  'hidden-property': { layers: [] },
  placeholder: { layers: [] },
  errors: { layers: [] },
  events: { layers: ['process-wide', 'errors'], modules: ['node:diagnostics_channel'] },
  'tracing-channels': { layers: ['errors'], modules: ['node:diagnostics_channel'] },
  'cached-replies': { layers: ['process-wide'] },
  metrics: { layers: ['errors', 'events', 'tracing-channels'] },
  'parse-options': { layers: ['errors'], modules: ['zod'] },
  digest: { layers: [], modules: ['node:crypto'] },
  'value-tree': { layers: [], modules: ['node:util'] },
  'value-codec': { layers: ['value-tree'], modules: ['node:buffer'] },
  timers: { layers: [] },
  'protocol/record': { layers: [] },
  protocol: { layers: ['protocol/record', 'errors'] },
  store: { layers: ['protocol/record', 'protocol'] },
  'stores/store-options': { layers: [...leaves, 'store'], modules: ['zod'] },
  'stores/memory': { layers: [...leaves, ...port, 'stores/store-options'], modules: ['zod', 'node:cluster'] },
  'stores/local-cache': { layers: [...leaves, ...port, 'stores/store-options'], modules: ['zod', 'lru-cache'] },
  'stores/deadline': { layers: ['errors', 'timers'] },
  'stores/publish-findings': { layers: ['events', 'process-wide'] },
  'stores/record-replies': { layers: [...port] },
  'stores/sql': {
    layers: [
      ...leaves,
      ...port,
      ...['stores/store-options', 'stores/deadline', 'stores/publish-findings', 'stores/record-replies'],
    ],
  },
  'stores/compare-and-swap': {
    layers: [...leaves, ...port, 'stores/store-options', 'stores/deadline', 'stores/record-replies'],
    modules: ['zod', 'node:crypto', 'node:zlib'],
  },
  // The entry point for authors of stores, which no other layer imports.
  'store/index': { layers: [...port, 'stores/compare-and-swap'] },
  'stores/redis/wire': { layers: [...leaves, ...port], modules: ['node:buffer', 'node:crypto'] },
  'stores/redis/connection': {
    layers: [...leaves, ...port, 'stores/store-options', 'stores/deadline', 'stores/redis/wire'],
    modules: ['zod', 'ioredis', 'node:async_hooks', 'node:net', 'node:tls', 'node:util'],
  },
  'stores/redis/diagnostics': {
    layers: [...leaves, ...port, 'stores/deadline', 'stores/redis/wire', 'stores/redis/connection'],
    modules: ['node:net', 'node:tls'],
  },
  'stores/redis': { layers: [...leaves, ...port, 'stores/publish-findings', ...redisLayers] },
  engine: { layers: [...leaves, ...port], modules: ['zod', 'uuid', 'node:async_hooks', 'node:zlib'] },
  functions: { layers: [...leaves, 'store', 'engine'], modules: ['zod', 'node:util/types'] },
  // What Node has for servers stays in `node`: this layer is for servers of every kind.
  http: {
    layers: [...leaves, 'store', 'engine'],
    modules: ['zod', 'node:buffer', 'node:util', 'node:util/types', 'node:zlib'],
  },
  // It shows people what is on record, of functions and of requests.
  admin: {
    layers: [...leaves, ...port, 'engine', 'functions', 'http'],
    modules: ['zod', 'node:util/types', 'node:zlib'],
  },
  node: { layers: [...leaves, 'http'], modules: ['node:*'] },
  // For platforms that are not Node, too.
  web: { layers: [...leaves, 'http'], modules: ['zod'] },
  cli: { layers: [...leaves, ...redisLayers], modules: ['node:util'] },
  index: {
    layers: [
      ...leaves,
      'metrics',
      ...port,
      'stores/memory',
      'stores/local-cache',
      'engine',
      'functions',
      'http',
      'admin',
    ],
  },
};
