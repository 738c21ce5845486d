// What a framework may be unable to do. A registration names what its framework lacks, with the reason.

/** Each capability, as a sentence about a framework that has it. */
export const capabilities = {
  raw: 'A handler can write to the response of node:http itself.',
  errorsAfterHijack:
    'A handler that has taken over the response of node:http may still throw, and the framework responds.',
  reasonPhrases: 'A response can have a reason phrase of its own.',
  emptyReasonPhrases: 'A reason phrase can be empty.',
  trailers: 'A handler can send trailers.',
  trailersWithoutBody: 'A handler can send trailers after an empty body.',
  streaming: 'A response can leave while its handler still writes.',
  disconnects: 'The adapter learns that a client has disconnected.',
  headerLines: 'A header that is sent in two lines can be told from one.',
  unparsedBodies: 'A body can reach the adapter without having been read by a parser.',
  unsupportedTypes: 'A media type that no parser reads can reach the adapter, which refuses it with 415.',
  keptSource: 'A body parser can keep the source of a body.',
  jsonOfAnyType: 'A body parser can read bodies of any media type as JSON.',
  multipart: 'A parser of multipart bodies can run before the adapter.',
  outerLayers: 'Layers can be mounted outside of the adapter.',
  innerLayers: 'Layers can be mounted between the adapter and the handler.',
  nodeLayers: 'Middleware of node:http, such as helmet and cors, can be mounted as a layer.',
  bodyLayers: 'An outer layer can change the body of a response.',
  silentLayers: 'A layer that ends without a response leaves the request unrouted.',
  routedLayers: 'A 404 that an inner layer sends counts as the response of a route.',
  routers: 'A router, or an application, can be mounted at two paths.',
  unrouted: 'The adapter can be mounted before the routes, and then sees requests that have none.',
  errorHandler: 'The application can have an error handler, which gets the errors of the adapter.',
  hiddenErrors: 'The error handler of the framework does not show clients the message of an error.',
  errorTitles: 'The response to an error without a status says “Internal Server Error”.',
  ownStatuses: 'An error without a status is a 500, whatever its cause has.',
  nesting: 'The adapter can be mounted twice for one request.',
  timeouts: 'A layer can respond while the handler works.',
  hidingLayers: 'A layer inside of the adapter can respond so that the adapter no longer sees the handler.',
  refusedHeads: 'The framework responds to the error that Node throws for a head that cannot be sent.',
  handlerEnd: 'The adapter learns when a handler has ended, so that one that outlives its response keeps its key.',
} as const;

export type Capability = keyof typeof capabilities;
