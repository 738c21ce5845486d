// The contexts of the requests that are being handled, for handlers that get nothing but a Request.
import { HiddenProperty } from '../hidden-property.js';
import type { HttpContext } from '../http/http-exchange.js';

/** Shared by all copies of this package, because bundlers put one into each entry. */
const contexts = new HiddenProperty<HttpContext>(Symbol.for('onceguard.web-context/1'));

/** `key` is the request, or what the framework passes to its handler in place of it. */
export function attachContext(key: object, context: HttpContext): void {
  contexts.set(key, context);
}

/** Undefined where the request has no key, or where no middleware applies to it. */
export function contextOf(key: object): HttpContext | undefined {
  return contexts.get(key);
}
