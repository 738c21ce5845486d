// The methods that a response had when the capture began: Node's own, or the wrappers of outer middleware.
import type { ServerResponse } from 'node:http';

type OriginalMethod = 'writeHead' | 'flushHeaders' | 'write' | 'setHeader' | 'removeHeader' | 'destroy';

/** Calls a method that the response had before it was intercepted. */
export type CallOriginal = (method: OriginalMethod, ...args: readonly unknown[]) => unknown;

export function bindOriginalMethods(res: ServerResponse): CallOriginal {
  const { writeHead, flushHeaders, write, setHeader, removeHeader, destroy } = res;
  const methods = { writeHead, flushHeaders, write, setHeader, removeHeader, destroy };
  return (method, ...args) => Reflect.apply(methods[method], res, args);
}
