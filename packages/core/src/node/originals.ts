// Node's own methods of a response, whatever has been patched on its prototypes.
import { OutgoingMessage, ServerResponse } from 'node:http';

type Method = (...args: readonly unknown[]) => unknown;

/** What the methods of `OutgoingMessage` are that the second response is asked for, or that Node's own methods call. */
const NAMES = [
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
const originals: ReadonlyMap<string, Method> = new Map(
  NAMES.map((name) => [name, unwrapped(Reflect.get(OutgoingMessage.prototype, name))]),
);

/** Until Node 24 it has a second name, which nobody patches. */
const writeHead = unwrapped(
  Reflect.get(ServerResponse.prototype, 'writeHeader') ?? Reflect.get(ServerResponse.prototype, 'writeHead'),
);

export const originalEnd: unknown = originals.get('end');

export function writeHeadOriginally(res: ServerResponse, args: readonly unknown[]): void {
  Reflect.apply(writeHead, res, args);
}

/** Gives a prototype Node's own methods, so that no patch sees what is done on its objects. */
export function restoreOriginals(prototype: object): void {
  for (const [name, value] of originals) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}

/** Wrappers made by shimmer, as most tools do, keep what they wrap under this name. */
function unwrapped(method: unknown): Method {
  if (!isMethod(method)) throw new TypeError('Node has no such method of a response any more.');
  const inner: unknown = Reflect.get(method, '__original');
  return isMethod(inner) ? unwrapped(inner) : method;
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
