// Which headers and trailers of a response are left out of its record.
import { framingHeaders } from './framing-headers.js';

/** Headers in which applications, widely used frameworks and gateways put tokens and keys. */
const tokenHeaders = [
  'api-key',
  'x-api-key',
  'x-api-token',
  'auth-token',
  'x-auth-token',
  'x-authorization',
  'access-token',
  'x-access-token',
  'refresh-token',
  'x-refresh-token',
  'id-token',
  'x-id-token',
  'session-token',
  'x-session-token',
  'x-session-id',
  'x-amz-security-token',
  'x-token',
  'x-jwt',
  'x-jwt-token',
  'csrf-token',
  'x-csrf-token',
  'xsrf-token',
  'x-xsrf-token',
];

/**
 * The headers and trailers that are not recorded by default. They belong to one exchange (framing, dates, rate limits, tracing, request
 * ids, challenges), to one browser page (`Access-Control-*`), or they are credentials (cookies, tokens, the idempotency key). A name may
 * end in `*`.
 *
 * @example
 * idempotency({ store, scope, omitHeaders: [...defaultOmitHeaders, 'x-session'] });
 */
export const defaultOmitHeaders: readonly string[] = Object.freeze([
  ...framingHeaders,
  'www-authenticate',
  'authentication-info',
  'proxy-authenticate',
  'proxy-authentication-info',
  'date',
  'age',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'set-cookie2',
  'idempotency-key',
  ...tokenHeaders,
  'access-control-*',
  'ratelimit',
  'ratelimit-*',
  'x-ratelimit-*',
  'x-rate-limit-*',
  'server-timing',
  'traceparent',
  'tracestate',
  'traceresponse',
  'request-id',
  'x-request-id',
  'correlation-id',
  'x-correlation-id',
  'x-trace-id',
  'x-amzn-requestid',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
]);

export type HeaderNamePredicate = (name: string) => boolean;

/**
 * Whether a header or trailer is left out of records: a framing header always, and what `names` lists, in any case. `idempotency-key`
 * among them stands for `keyHeader` too.
 */
export function createOmitPredicate(names: readonly string[], keyHeader = 'Idempotency-Key'): HeaderNamePredicate {
  const listed = names.map((name) => name.toLowerCase());
  const all = [...framingHeaders, ...listed, ...(listed.includes('idempotency-key') ? [keyHeader.toLowerCase()] : [])];
  const exact = new Set(all);
  const prefixes = all.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => {
    const lower = name.toLowerCase();
    return exact.has(lower) || prefixes.some((prefix) => lower.startsWith(prefix));
  };
}
