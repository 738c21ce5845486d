// A request that can be sent any number of times, each time with the same method, address, body and key.
import { RequestInvalidError } from './errors.js';

/** What `fetch` takes as a body and can be sent again, or a function that makes it for every send. */
export type RepeatableBody = BodyInit | null | (() => BodyInit | Promise<BodyInit>);

export interface RepeatableRequest {
  /** Set on every send, over the headers that it was made with. */
  readonly headers: Record<string, string>;
  /** What the caller gave: the header of the key, for one. */
  readonly template: Request;
  /** The request as it is sent next. */
  next(): Promise<Request>;
}

/** Takes a copy, so that what the caller changes later is not sent. Throws a `RequestInvalidError` for what cannot be repeated. */
export function repeatableRequest(
  input: string | URL | Request,
  { body, signal: _signal, ...init }: Omit<RequestInit, 'body'> & { readonly body?: RepeatableBody | undefined },
): RepeatableRequest {
  const makeBody = typeof body === 'function' ? body : undefined;
  if (makeBody === undefined) checkBody(body);
  const build = (sent?: unknown) => new Request(input, { ...init, body: sent, duplex: 'half' } as RequestInit);
  let template: Request;
  try {
    // What the platform refuses would otherwise look like a network error, and be sent again.
    template = build(makeBody === undefined ? body : undefined);
  } catch (cause) {
    throw new RequestInvalidError(`fetch would refuse this: ${cause}`, { cause });
  }
  if (/^(GET|HEAD)$/.test(template.method)) {
    throw new RequestInvalidError(`A ${template.method} needs no key: use fetch, or give a method.`);
  }
  const headers: Record<string, string> = {};
  return {
    headers,
    template,
    async next() {
      const request = makeBody === undefined ? template.clone() : build(await makeBody());
      for (const name in headers) request.headers.set(name, String(headers[name]));
      return request;
    },
  };
}

function checkBody(body: unknown): void {
  const object = Object(body);
  if ('getReader' in object || Symbol.asyncIterator in object) {
    throw new RequestInvalidError('A stream can be sent once. Give a function that makes it.');
  }
  if (/ (Object|Array)\]/.test(Object.prototype.toString.call(body))) {
    throw new RequestInvalidError('An object is no body. Use JSON.stringify.');
  }
}
