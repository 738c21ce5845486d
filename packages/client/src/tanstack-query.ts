// @onceguard/client/tanstack-query: mutations of TanStack Query 5 whose key belongs to mutate(), not to a retry of it.
import { isRetried, type KeyOptions, responseOf, retryDelayMs, withDefaults } from './key-options.js';

interface MutationParts {
  readonly state: { readonly variables: unknown; readonly context: unknown };
}

/** What TanStack Query passes to the functions of one mutation: the same object for all its retries. From version 5.89. */
interface FunctionContext {
  readonly client: { getMutationCache(): { getAll(): readonly MutationParts[] } };
}

/**
 * Options for `useMutation` or `setMutationDefaults`. `send` gets the key of its `mutate()` call, the same for every retry, also for a
 * mutation that was paused and restored after a reload. An error with a `status`, or a `response` with one, is retried by the retry table;
 * other errors are those of a network, and retried.
 *
 * @example
 * const options = idempotentMutation((order, { idempotencyKey }) => placeOrder(order, idempotencyKey));
 * const { mutate } = useMutation(options);
 */
export function idempotentMutation<V, R>(
  send: (variables: V, context: { readonly idempotencyKey: string }) => Promise<R>,
  options: Pick<KeyOptions, 'createKey' | 'retries' | 'maxRetryAfterMs'> = {},
) {
  const { createKey, retries, maxRetryAfterMs } = withDefaults(options);
  const keys = new WeakMap<object, string>();
  const taken = new Set<string>();
  const keyOf = (variables: V, context: FunctionContext): string => {
    const known = keys.get(context) ?? restoredKey(variables, context) ?? createKey();
    keys.set(context, known);
    taken.add(known);
    return known;
  };
  const restoredKey = (variables: V, { client }: FunctionContext): string | undefined => {
    const same = client
      .getMutationCache()
      .getAll()
      .filter(({ state }) => state.variables === variables);
    const restored = same.map(({ state }) => Reflect.get(Object(state.context), 'idempotencyKey'));
    return restored.find((key) => typeof key === 'string' && !taken.has(key));
  };
  return {
    mutationFn: (variables: V, context: FunctionContext): Promise<R> =>
      send(variables, { idempotencyKey: keyOf(variables, context) }),
    onMutate: (variables: V, context: FunctionContext) => ({ idempotencyKey: keyOf(variables, context) }),
    retry: (failures: number, error: Error): boolean => {
      const { status, headers, body, waitMs } = responseOf(error);
      return (
        failures < retries && waitMs <= maxRetryAfterMs && (status === undefined || isRetried(status, headers, body))
      );
    },
    retryDelay: (failures: number, error: Error): number => retryDelayMs(failures, responseOf(error).waitMs),
  };
}
