// Overrides properties of an object for a while, and restores the previous ones by descriptor.

export class PropertyOverrides {
  readonly #target: object;
  readonly #previous: [name: string, own: PropertyDescriptor | undefined][] = [];

  constructor(target: object) {
    this.#target = target;
  }

  /** Defines an ordinary own property `name`. Others may assign to it, as they do when they patch `res.end`. */
  override(name: string, value: unknown): void {
    this.#previous.push([name, Object.getOwnPropertyDescriptor(this.#target, name)]);
    Object.defineProperty(this.#target, name, { value, writable: true, configurable: true, enumerable: true });
  }

  /** Restores all previous properties, in reverse order. A second call does nothing. */
  restoreAll(): void {
    for (const [name, own] of this.#previous.splice(0).reverse()) restoreProperty(this.#target, name, own);
  }
}

/** Restores the own property `name`, or deletes it where there was none. */
export function restoreProperty(target: object, name: string, own: PropertyDescriptor | undefined): void {
  if (own) Object.defineProperty(target, name, own);
  else Reflect.deleteProperty(target, name);
}
