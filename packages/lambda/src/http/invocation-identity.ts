// Tells whether an outer wrapper or middleware handles the same invocation already, so that only the outer one acts.
import { AsyncLocalStorage } from 'node:async_hooks';

interface InvocationParts {
  readonly event: object;
  readonly middyRequest?: object;
}

/**
 * The invocation whose handler is running. The event alone does not tell two wrappers of one invocation from two invocations: tests use
 * one event object for several, also at the same time.
 */
const invocations = new AsyncLocalStorage<{ readonly event: object; readonly identity: object }>();

/** By event. middy runs the handler outside of the asynchronous context of its middlewares. */
const identitiesInMiddy = new WeakMap<object, object>();

/** The same object as for the wrapper or middleware around this one. A new one where there is none. */
export function identityOf({ event, middyRequest }: InvocationParts): object {
  const outer = invocations.getStore();
  if (outer?.event === event) return outer.identity;
  return middyRequest ?? identitiesInMiddy.get(event) ?? {};
}

/** Runs the handler so that wrappers and middlewares within it get the same identity. */
export async function runAsInvocation<T>(
  { event, middyRequest }: InvocationParts,
  identity: object,
  run: () => Promise<T>,
): Promise<T> {
  if (middyRequest !== undefined) identitiesInMiddy.set(event, identity);
  try {
    return await invocations.run({ event, identity }, run);
  } finally {
    if (middyRequest !== undefined) identitiesInMiddy.delete(event);
  }
}
