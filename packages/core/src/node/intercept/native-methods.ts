// Node's own methods of a response, whatever has patched its prototypes.
import { OutgoingMessage, ServerResponse } from 'node:http';

type Method = (...args: readonly unknown[]) => unknown;

/** The methods of `OutgoingMessage` that the dry run calls, or that Node's own methods call. */
const METHOD_NAMES = [
  'write',
  'end',
  'flushHeaders',
  'addTrailers',
  'setHeader',
  'appendHeader',
  'removeHeader',
  'destroy',
] as const;

/**
 * Tracing tools patch `ServerResponse.prototype`. Node defines none of these methods there: a response inherits them from
 * `OutgoingMessage`. Where a tool patched that one before this module was loaded, `unwrapPatched` finds the original in
 * the patch.
 */
const nativeMethods: ReadonlyMap<string, Method> = new Map(
  METHOD_NAMES.map((name) => [name, unwrapPatched(Reflect.get(OutgoingMessage.prototype, name))]),
);

/** Before Node 26, `writeHead` has a second name, which nobody patches. */
const nativeWriteHead = unwrapPatched(
  Reflect.get(ServerResponse.prototype, 'writeHeader') ?? Reflect.get(ServerResponse.prototype, 'writeHead'),
);

export const nativeEnd: unknown = nativeMethods.get('end');

export function callNativeWriteHead(res: ServerResponse, args: readonly unknown[]): void {
  Reflect.apply(nativeWriteHead, res, args);
}

/** Defines Node's own methods on a prototype, so that patches do not see calls on its objects. */
export function defineNativeMethods(prototype: object): void {
  for (const [name, value] of nativeMethods) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}

/** Most tools wrap methods with shimmer, which keeps the original in `__original`. */
function unwrapPatched(method: unknown): Method {
  if (!isMethod(method)) throw new TypeError('This version of Node has no such response method.');
  const original: unknown = Reflect.get(method, '__original');
  return isMethod(original) ? unwrapPatched(original) : method;
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
