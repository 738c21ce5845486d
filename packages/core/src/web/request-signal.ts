// `request.signal` while the handler runs: it aborts with the lease, and not when the client leaves.
import type { HttpContext } from '../http/http-exchange.js';

/**
 * Lets `request.signal` be the signal of the execution. A handler passes that signal to what it calls, and a client that leaves must not
 * cancel the work in its middle. The signal is created when it is read, because most handlers never read it.
 */
export function useExecutionSignal(request: Request, context: HttpContext): void {
  Object.defineProperty(request, 'signal', { configurable: true, get: () => context.signal });
}

/**
 * The request's own signal, which aborts when the client leaves. Below an own property it is on the prototype. A proxy around a request
 * hides the prototype, so the own property is removed while the signal is read.
 */
export function clientSignal(request: Request): AbortSignal {
  const own = Object.getOwnPropertyDescriptor(request, 'signal');
  if (own?.get === undefined || own.configurable !== true) return request.signal;
  Reflect.deleteProperty(request, 'signal');
  try {
    return request.signal;
  } finally {
    Object.defineProperty(request, 'signal', own);
  }
}

/** Calls `listener` once when the client has left. The function returned removes the listener. */
export function onClientGone(request: Request, listener: () => void): () => void {
  const signal = clientSignal(request);
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
