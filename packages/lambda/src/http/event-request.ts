// Reads an HTTP request from an event of API Gateway (REST: format 1.0, HTTP: format 2.0), a function URL or a load balancer.
import { ConfigurationError } from '@onceguard/core';
import type { RequestBody } from '@onceguard/core/http';

/** What every HTTP event has. The types of `@types/aws-lambda` fit, and so do your own. */
export interface HttpEvent {
  readonly requestContext: object;
  readonly headers?: Readonly<Record<string, string | undefined>> | null | undefined;
  readonly body?: unknown;
  readonly isBase64Encoded?: boolean | undefined;
}

/**
 * What the sender of the event expects as a result. `v1`: REST APIs, and HTTP APIs with payload format 1.0. `v2`: HTTP APIs and function
 * URLs. `alb`: load balancers; `alb-multi`: those whose target group has multi-value headers.
 */
export type EventFormat = 'v1' | 'v2' | 'alb' | 'alb-multi';

export interface EventRequest {
  readonly format: EventFormat;
  readonly method: string;
  /** Path and query as the client sent them, as far as the event tells. */
  readonly originalUrl: string;
  /** The route of API Gateway, such as `/payments/{id}`. Undefined: the event names none, as those of load balancers. */
  readonly routeTemplate: string | undefined;
  headerLines(name: string): readonly string[];
  body(): RequestBody;
}

/** Throws a `ConfigurationError` (`argument_invalid`) for an event that is no HTTP request. */
export function readEventRequest(event: unknown): EventRequest {
  const format = eventFormatOf(event);
  const headerLines = (name: string) => linesOfHeader(event, name);
  return {
    format,
    method: String(
      format === 'v2' ? memberAt(event, 'requestContext', 'http', 'method') : memberAt(event, 'httpMethod'),
    ),
    originalUrl: format === 'v2' ? urlOfV2(event) : urlOfParameters(event, format),
    routeTemplate: routeTemplateOf(event, format),
    headerLines,
    body: () => readBody(event, headerLines),
  };
}

function eventFormatOf(event: unknown): EventFormat {
  const isV2 = memberAt(event, 'version') === '2.0';
  if (isV2 && typeof memberAt(event, 'requestContext', 'http', 'method') === 'string') return 'v2';
  if (typeof memberAt(event, 'httpMethod') === 'string') {
    if (memberAt(event, 'requestContext', 'elb') === undefined) return 'v1';
    return isObject(memberAt(event, 'multiValueHeaders')) ? 'alb-multi' : 'alb';
  }
  throw new ConfigurationError(
    'argument_invalid',
    'The event is no HTTP request of API Gateway, a function URL or a load balancer. For SQS wrap the handler by idempotentSqs(); ' +
      'for EventBridge, SNS and streams by makeIdempotent() of @onceguard/core.',
  );
}

/** API Gateway decodes the path. A question mark in it is encoded again, because it would begin the query. */
function pathOf(path: unknown): string {
  return typeof path === 'string' ? path.replaceAll('?', '%3F') : '/';
}

function urlOfV2(event: unknown): string {
  const path = pathOf(memberAt(event, 'rawPath'));
  const query = memberAt(event, 'rawQueryString');
  return typeof query === 'string' && query !== '' ? `${path}?${query}` : path;
}

/**
 * REST APIs decode the parameters and lose their order, so they are encoded again and sorted by name. Load balancers pass them on as the
 * client sent them.
 */
function urlOfParameters(event: unknown, format: EventFormat): string {
  const path = pathOf(memberAt(event, 'path'));
  const multiple = memberAt(event, 'multiValueQueryStringParameters');
  const parameters = Object.entries(isObject(multiple) ? multiple : Object(memberAt(event, 'queryStringParameters')));
  const encode = format === 'v1' ? encodeURIComponent : String;
  const pairs = parameters
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, values]) => [values].flat().map((value) => `${encode(name)}=${encode(String(value))}`));
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** `/payments/{id}`, from the route key `POST /payments/{id}` of HTTP APIs or the resource of REST APIs. `$default` is no template. */
function routeTemplateOf(event: unknown, format: EventFormat): string | undefined {
  const route = format === 'v2' ? memberAt(event, 'routeKey') : memberAt(event, 'resource');
  const template = typeof route === 'string' ? route.slice(route.indexOf(' ') + 1) : '';
  return template.startsWith('/') && template !== '/$default' ? template : undefined;
}

/** Headers are looked up in any case. Only `multiValueHeaders` keeps the lines of a repeated header apart. */
function linesOfHeader(event: unknown, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  for (const member of ['multiValueHeaders', 'headers']) {
    const headers = Object.entries(Object(memberAt(event, member)));
    const found = headers.filter(([header]) => header.toLowerCase() === wanted).flatMap(([, lines]) => lines);
    if (found.some(isPresent)) return found.filter(isPresent).map(String);
  }
  return [];
}

/** The body is text, bytes in base64, or what a middleware made of it. */
function readBody(event: unknown, headerLines: (name: string) => readonly string[]): RequestBody {
  const body = memberAt(event, 'body');
  const headers = {
    'content-type': headerLines('content-type')[0],
    'content-encoding': headerLines('content-encoding')[0],
  };
  if (!isPresent(body) || body === '') return { headers, hasBody: false, readableEnded: true, parsedBody: undefined };
  if (typeof body !== 'string') return { headers, hasBody: true, readableEnded: true, parsedBody: body };
  const rawBody = Buffer.from(body, memberAt(event, 'isBase64Encoded') === true ? 'base64' : 'utf8');
  return { headers, hasBody: true, readableEnded: true, parsedBody: undefined, rawBody };
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function memberAt(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((within, name) => (isObject(within) ? Reflect.get(within, name) : undefined), value);
}
