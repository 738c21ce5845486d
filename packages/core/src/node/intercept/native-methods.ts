// Node's own methods of a response, whatever has been patched on its prototypes.
import { OutgoingMessage, ServerResponse } from 'node:http';

type Method = (...args: readonly unknown[]) => unknown;

/** What the methods of `OutgoingMessage` are that the second response is asked for, or that Node's own methods call. */
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
 * Tools for tracing patch `ServerResponse.prototype`, on which Node has none of these methods: it inherits them. What is patched
 * further up before this module is loaded is found where the patch keeps it.
 */
const nativeMethods: ReadonlyMap<string, Method> = new Map(
  METHOD_NAMES.map((name) => [name, unwrapPatched(Reflect.get(OutgoingMessage.prototype, name))]),
);

/** Until Node 24 it has a second name, which nobody patches. */
const nativeWriteHead = unwrapPatched(
  Reflect.get(ServerResponse.prototype, 'writeHeader') ?? Reflect.get(ServerResponse.prototype, 'writeHead'),
);

export const nativeEnd: unknown = nativeMethods.get('end');

export function callNativeWriteHead(res: ServerResponse, args: readonly unknown[]): void {
  Reflect.apply(nativeWriteHead, res, args);
}

/** Gives a prototype Node's own methods, so that no patch sees what is done on its objects. */
export function defineNativeMethods(prototype: object): void {
  for (const [name, value] of nativeMethods) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}

/** Wrappers made by shimmer, as most tools do, keep what they wrap under this name. */
function unwrapPatched(method: unknown): Method {
  if (!isMethod(method)) throw new TypeError('Node has no such method of a response any more.');
  const inner: unknown = Reflect.get(method, '__original');
  return isMethod(inner) ? unwrapPatched(inner) : method;
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
