// The target of a request, split into path and query.

export interface RequestTarget {
  readonly path: string;
  /** The text after the first `?`, or the empty string. */
  readonly query: string;
}

const originPattern = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i;

/**
 * Splits the original URL of a request (`req.originalUrl`, `ctx.originalUrl`) into path and query. Proxies send the absolute form (RFC
 * 9112 section 3.2.2), which names the same resource as its path. Nothing else is decoded or normalised: frameworks differ in what `%2F`,
 * `//`, case or a closing slash mean, so two spellings may be two resources, which must not share a response. A client that retries
 * repeats its own spelling.
 */
export function splitTarget(originalUrl: string): RequestTarget {
  const target = originalUrl.replace(originPattern, '');
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  return { path: path === '' ? '/' : path, query: at < 0 ? '' : target.slice(at + 1) };
}
