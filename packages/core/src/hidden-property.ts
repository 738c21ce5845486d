// A value for each object of others, such as the context of a request.

/**
 * Does what a WeakMap does, by a property of the object itself. Minor collections of V8 keep every value of a WeakMap, and with it all that
 * it refers to. A context refers to its request, so each request would stay in memory until the next major collection. That costs more than
 * all other work of this package.
 *
 * Printing, copying and serialising an object leave the property out.
 */
export class HiddenProperty<T extends object> {
  readonly #property: symbol;
  /** For objects that take no property: frozen ones, and proxies that refuse it. */
  readonly #others = new WeakMap<object, T>();

  /**
   * @param property - `Symbol('…')`: the values belong to this copy of the package. `Symbol.for('onceguard.…/1')`: all copies share them,
   * but for those of frozen objects. The number is the version of their shape, which never changes.
   */
  constructor(property: symbol) {
    this.#property = property;
  }

  get(object: object): T | undefined {
    return this.#ownValue(object) ?? this.#others.get(object);
  }

  set(object: object, value: T): void {
    Reflect.defineProperty(object, this.#property, { value, configurable: true, writable: true });
    if (this.#ownValue(object) !== value) this.#others.set(object, value);
  }

  /** Not of its prototype, which may be another request. */
  #ownValue(object: object): T | undefined {
    return Object.hasOwn(object, this.#property) ? (Reflect.get(object, this.#property) as T) : undefined;
  }
}
