// Handlers that take a Request and return a Response, without a framework, in the adapter suite.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { contextOf } from '@onceguard/core/web';
import { type IdempotencyOptions, withIdempotency } from '@onceguard/web';
import type { AppSpec, Call, Framework, Listener } from '../../../packages/testing/src/adapter-suite/framework.js';
import { errorResponse, lacksOfWebFrameworks, parsedBodyOf, toResponse, webHeaders } from './web-response.js';

interface NodeServer {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

const noLayers = 'A handler alone has no layers.';

export const frameworks: readonly Framework[] = [
  {
    name: 'web',
    transport: 'HTTP/1',
    lacks: {
      ...lacksOfWebFrameworks,
      innerLayers: noLayers,
      outerLayers: noLayers,
      bodyLayers: noLayers,
      silentLayers: noLayers,
      routedLayers: noLayers,
      timeouts: noLayers,
      nesting: noLayers,
      routers: 'A handler alone has no routes.',
      unrouted: 'A handler alone has no routes.',
    },
    listener,
    header: (native, name) => (native as Request).headers.get(name) ?? undefined,
    parsedBody: async (native) => await bodyOf((native as Request).clone()),
  },
];

function listener(spec: AppSpec): Listener {
  const handler = async (request: Request, { incoming, outgoing }: NodeServer): Promise<Response> => {
    const own = new Headers();
    const call: Call = {
      req: incoming,
      get res(): ServerResponse {
        throw new Error('There is no response of node:http.');
      },
      hijack: () => {},
      native: request,
      body: await bodyOf(request),
      context: contextOf(request),
      headers: webHeaders(() => own),
      get headersSent() {
        return outgoing.headersSent;
      },
    };
    try {
      return toResponse(await spec.handler(call), own);
    } catch (error) {
      // Without a framework, the handler itself knows which errors are responses.
      return errorResponse(error, spec.handled);
    }
  };
  const handle = spec.plain ? handler : withIdempotency(handler, optionsOf(spec));
  const fetch = async (request: Request, server: NodeServer) => {
    try {
      return await handle(request, server);
    } catch (error) {
      return errorResponse(error, spec.handled);
    }
  };
  return getRequestListener(fetch as never, { overrideGlobalObjects: false }) as Listener;
}

/** The options are generic in the handler's arguments, which a suite for all frameworks cannot name. */
function optionsOf({ store, options }: AppSpec): IdempotencyOptions<readonly [Request, NodeServer]> {
  return { store, scope: 'public', ...options } as IdempotencyOptions<readonly [Request, NodeServer]>;
}

async function bodyOf(request: Request): Promise<unknown> {
  const bytes = async () => new Uint8Array(await request.arrayBuffer());
  const [json, text] = [() => request.json(), () => request.text()];
  return await parsedBodyOf(request.headers.get('content-type'), { json, text, bytes });
}
