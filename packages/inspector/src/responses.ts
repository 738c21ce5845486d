// The headers that every response of the inspector has, and the check that a call comes from its own page.
import { ApiError } from './api-error.js';

/** The header that the page sends with every call. A form or a link of another site cannot send it. */
const pageHeader = 'x-onceguard-inspector';

const commonHeaders = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Nothing may be loaded or run. The page itself has a policy of its own. */
const closedPolicy = "default-src 'none'; frame-ancestors 'none'";

export function jsonResponse(status: number, value: unknown): Response {
  const headers = { ...commonHeaders, 'content-security-policy': closedPolicy, 'content-type': 'application/json' };
  return new Response(JSON.stringify(value), { status, headers });
}

export function plainResponse(status: number, text: string): Response {
  const type = 'text/plain; charset=utf-8';
  const headers = { ...commonHeaders, 'content-security-policy': closedPolicy, 'content-type': type };
  return new Response(`${text}\n`, { status, headers });
}

export function htmlResponse(html: string | null, policy: string): Response {
  const type = 'text/html; charset=utf-8';
  const headers = { ...commonHeaders, 'content-security-policy': policy, 'content-type': type };
  return new Response(html, { status: 200, headers });
}

/**
 * Throws an `ApiError` for a call that the page did not make. A browser names where a call comes from, in `Sec-Fetch-Site` or in
 * `Origin`; a call without both does not come from the page.
 */
export function assertFromThePage(request: Request): void {
  const { headers, method } = request;
  if (method !== 'POST') throw new ApiError(405, 'Calls of the page are POST.');
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const isSameOrigin = site === null ? isOwnOrigin(origin, request) : site === 'same-origin';
  const isJson = headers.get('content-type')?.split(';')[0]?.trim() === 'application/json';
  if (headers.get(pageHeader) === '1' && isSameOrigin && isJson) return;
  throw new ApiError(403, 'Only the page of the inspector itself can make this call. Nothing was changed.');
}

function isOwnOrigin(origin: string | null, request: Request): boolean {
  if (origin === null || !URL.canParse(origin)) return false;
  return new URL(origin).host === (request.headers.get('host') ?? new URL(request.url).host);
}
