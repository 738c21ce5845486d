// An exchange without a server that notes what the lifecycle does with it.
import { type HttpExchange, ResponseBody } from '@onceguard/core/http';

export interface ObservedExchange extends HttpExchange {
  /** What became of it, in order. */
  readonly did: string[];
}

/** One request without a server. Its handler responds with 200. */
export function handleOnce(identity: object, handler: () => Promise<void> = async () => {}): ObservedExchange {
  const did: string[] = [];
  return {
    did,
    identity,
    method: 'POST',
    originalUrl: '/payments',
    keyLines: ['"key"'],
    body: () => ({ headers: {}, hasBody: false, readableEnded: true, parsedBody: undefined }),
    outerHeaders: () => [],
    canStart: () => true,
    onDisconnect: () => () => undefined,
    passThrough: () => void did.push('passed'),
    runHandler: async () => {
      did.push('ran');
      await handler();
      return {
        status: 200,
        reason: '',
        isStreaming: false,
        headers: [],
        trailers: [],
        body: new ResponseBody(Buffer.from('a')),
        size: 1,
      };
    },
    sendCaptured: async () => void did.push('delivered'),
    sendReplay: async ({ status }) => void did.push(`replayed ${status}`),
    sendRefusal: async ({ status }) => void did.push(`refused ${status}`),
    abortResponse: () => void did.push('cut'),
  };
}
