// A store some of whose verbs a test replaces.
import type { IdempotencyStore } from '@onceguard/core';

/** The same store with some of its verbs replaced, as a decorator over the port does. */
export function overrideVerbs(store: IdempotencyStore, verbs: Partial<IdempotencyStore>): IdempotencyStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(verbs, name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
