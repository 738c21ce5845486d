// The methods of a response as they stood when the capture began: Node's own, or the wrappers of layers outside.
import type { ServerResponse } from 'node:http';

type OverriddenMethod = 'writeHead' | 'flushHeaders' | 'write' | 'setHeader' | 'removeHeader' | 'destroy';

/** Calls a method on the response as it stood before it was covered. */
export type CallOriginal = (method: OverriddenMethod, ...args: readonly unknown[]) => unknown;

export function bindOriginalMethods(res: ServerResponse): CallOriginal {
  const { writeHead, flushHeaders, write, setHeader, removeHeader, destroy } = res;
  const methods = { writeHead, flushHeaders, write, setHeader, removeHeader, destroy };
  return (method, ...args) => Reflect.apply(methods[method], res, args);
}
