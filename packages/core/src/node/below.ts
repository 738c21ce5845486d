// The methods of a response as they stood when the capture began: Node's own, or the wrappers of layers outside.
import type { ServerResponse } from 'node:http';

const COVERED = ['writeHead', 'flushHeaders', 'write', 'setHeader', 'destroy'] as const;

export type CoveredMethod = (typeof COVERED)[number];

/** Calls a method on the response as it stood before it was covered. */
export type Below = (method: CoveredMethod, ...args: readonly unknown[]) => unknown;

export function methodsBelow(res: ServerResponse): Below {
  const methods = new Map<CoveredMethod, (typeof res)[CoveredMethod]>(COVERED.map((name) => [name, res[name]]));
  return (method, ...args) => Reflect.apply(methods.get(method) ?? res[method], res, args);
}
