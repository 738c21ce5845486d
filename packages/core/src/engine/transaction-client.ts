// The transaction that an operation gets: its own library's, which refuses every call once the operation has ended.
import { releaseError, transactionOverError } from './transaction-errors.js';

/**
 * With pg, what is written after the end would run on a connection that is another request's by then. Methods get the object itself as
 * `this`, so that calls within the library pass.
 */
export function guardClient(client: unknown, isOver: () => boolean): unknown {
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null) return client;
  return new Proxy(client, {
    get(target, name) {
      // `then`: whether a value is a promise is asked of everything that is awaited.
      if (name !== 'then' && isOver()) throw transactionOverError();
      // The connection goes back to its pool after the COMMIT, and not before.
      if (name === 'release') throw releaseError();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' && mayReplace(target, name) ? bindMethod(target, value, isOver) : value;
    },
    apply(target, thisArgument, args) {
      if (isOver()) throw transactionOverError();
      return Reflect.apply(target as (...args: unknown[]) => unknown, thisArgument, args);
    },
  });
}

/** A proxy has to return a frozen property as it is. */
function mayReplace(target: object, name: PropertyKey): boolean {
  const own = Reflect.getOwnPropertyDescriptor(target, name);
  return own === undefined || own.configurable === true || own.writable === true;
}

/** A method may be a function with members of its own, such as a template tag with helpers, and may be kept for later. */
function bindMethod(target: object, method: object, isOver: () => boolean): unknown {
  return new Proxy(method, {
    apply(callee, _, args) {
      if (isOver()) throw transactionOverError();
      return Reflect.apply(callee as (...args: unknown[]) => unknown, target, args);
    },
  });
}
