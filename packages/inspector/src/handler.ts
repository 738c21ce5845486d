// The inspector as a function of a Request: the page for a GET, and its calls under api/. Who may not enter learns nothing.
import { ConfigurationError, StoreError } from '@onceguard/core';
import { Activity } from './activity.js';
import { type Api, ApiError, createApi } from './api.js';
import { checkOptions, type InspectorOptions, type Visitor } from './options.js';
import { pageResponse } from './page-response.js';
import { assertFromThePage, jsonResponse, plainResponse } from './responses.js';

/** Makes the answer to one request. `subject` is what `authorize` gets. */
export type Inspect<Subject> = (request: Request, subject: Subject) => Promise<Response>;

/**
 * The inspector for everything that takes a `Request`: Hono, Next, h3, Bun, Deno. Mount it at a path of its own, with all that is
 * below: the page is at that path, its calls are below `api/`.
 *
 * Shows nothing without `authorize`. Every call of the page needs a header of its own and the same origin, so another site cannot make
 * a visitor's browser decide anything. What is on record is sent as JSON and shown as text.
 *
 * Counts the events of this process from this call on. Throws a `ConfigurationError` (`option_invalid`) for options that are not valid.
 *
 * @example
 * const inspect = inspectorHandler({ store, authorize: async (request) => (await sessionOf(request))?.adminEmail ?? null });
 * app.all('/onceguard/*', (context) => inspect(context.req.raw));
 */
export function inspectorHandler(options: InspectorOptions<Request>): (request: Request) => Promise<Response> {
  const inspect = createInspect('inspectorHandler()', options);
  return (request) => inspect(request, request);
}

export function createInspect<Subject>(what: string, options: InspectorOptions<Subject>): Inspect<Subject> {
  checkOptions(what, options);
  const { store, authorize, readOnly = false } = options;
  const traceUrl = options.traceUrl ?? null;
  const api = createApi({ store, activity: Activity.of(store), traceUrl });
  return async (request, subject) => {
    const found = await authorize(subject);
    if (found instanceof Response) return found;
    const visitor = toVisitor(found, readOnly);
    if (visitor === null) return plainResponse(403, 'You may not use the inspector: sign in as somebody who may.');
    return await respond(request, visitor, api);
  };
}

function toVisitor(found: string | Visitor | null | undefined, readOnly: boolean): Required<Visitor> | null {
  const { name = '', ...rights } = typeof found === 'string' ? { name: found } : (found ?? {});
  if (typeof name !== 'string' || name === '' || name.length > 200) return null;
  return { name, readOnly: readOnly || ('readOnly' in rights && rights.readOnly === true) };
}

async function respond(request: Request, visitor: Required<Visitor>, api: Api): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const call = /\/api\/([a-z-]+)$/.exec(pathname)?.[1];
  if (call !== undefined) return await respondToCall(request, call, visitor, api);
  if (request.method !== 'GET' && request.method !== 'HEAD') return plainResponse(405, 'The page is there for GET.');
  // The page names its calls relative to its own address, which must therefore end with a slash. It is relative too: a proxy may have
  // removed the beginning of the path.
  if (!pathname.endsWith('/')) {
    return new Response(null, { status: 308, headers: { location: `./${pathname.split('/').at(-1)}/${search}` } });
  }
  return pageResponse(request.method);
}

async function respondToCall(request: Request, call: string, visitor: Required<Visitor>, api: Api): Promise<Response> {
  try {
    assertFromThePage(request);
    return jsonResponse(200, await api(call, await readJson(request), visitor));
  } catch (error) {
    const { status, message } = describeFailure(error);
    return jsonResponse(status, { error: message });
  }
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return JSON.parse(await request.text());
  } catch {
    throw new ApiError(400, 'The call of the page is no JSON.');
  }
}

function describeFailure(error: unknown): { status: number; message: string } {
  if (error instanceof ApiError) return { status: error.status, message: error.message };
  if (error instanceof ConfigurationError) return { status: 400, message: error.message };
  // Its text is made for operators, and has no secrets.
  if (error instanceof StoreError) return { status: 503, message: error.message };
  return { status: 500, message: 'The inspector failed. The log of the server says why.' };
}
