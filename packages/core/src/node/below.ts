// The methods of a response as they stood when the capture began: Node's own, or the wrappers of layers outside.
import type { ServerResponse } from 'node:http';

type CoveredMethod = 'writeHead' | 'flushHeaders' | 'write' | 'setHeader' | 'removeHeader' | 'destroy';

/** Calls a method on the response as it stood before it was covered. */
export type Below = (method: CoveredMethod, ...args: readonly unknown[]) => unknown;

export function methodsBelow(res: ServerResponse): Below {
  const { writeHead, flushHeaders, write, setHeader, removeHeader, destroy } = res;
  const methods = { writeHead, flushHeaders, write, setHeader, removeHeader, destroy };
  return (method, ...args) => Reflect.apply(methods[method], res, args);
}
