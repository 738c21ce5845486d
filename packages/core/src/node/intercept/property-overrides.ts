// Overrides properties of an object for a while, and restores the previous ones.

interface Previous {
  readonly name: string;
  /** Undefined: the object had no own property of this name. */
  readonly own: PropertyDescriptor | undefined;
  readonly isAccessor: boolean;
}

/**
 * An object without its own property of that name keeps one after the restore, with the inherited value. From Node 22 on, V8 gives an object a
 * slow form as soon as one of its properties is deleted, and every later use of the object takes longer.
 */
export class PropertyOverrides {
  readonly #target: Record<string, unknown>;
  #previous: Previous[] = [];

  constructor(target: object) {
    this.#target = target as Record<string, unknown>;
  }

  /** Defines an ordinary own property `name`, in place of a method, a value or nothing. Others may assign to it, as they do when they patch `res.end`. */
  override(name: string, value: unknown): void {
    this.#override(name, value, false);
  }

  /** Does the same in place of an accessor, which only a deletion can restore. */
  overrideAccessor(name: string, value: unknown): void {
    this.#override(name, value, true);
  }

  /** Restores all previous properties, in reverse order. A second call does nothing. */
  restoreAll(): void {
    const previous = this.#previous;
    this.#previous = [];
    for (let at = previous.length - 1; at >= 0; at -= 1) {
      const { name, own, isAccessor } = previous[at] as Previous;
      if (own === undefined && isAccessor) Reflect.deleteProperty(this.#target, name);
      else restoreProperty(this.#target, name, own);
    }
  }

  #override(name: string, value: unknown, isAccessor: boolean): void {
    const target = this.#target;
    const own = Object.hasOwn(target, name) ? Object.getOwnPropertyDescriptor(target, name) : undefined;
    this.#previous.push({ name, own, isAccessor });
    // An assignment takes a fraction of the time of a definition.
    if (own === undefined ? !isAccessor : isPlainProperty(own)) {
      target[name] = value;
      // Else somebody has put an accessor in the place of an inherited method.
      if (target[name] === value) return;
    }
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
  }
}

/** Restores the own property `name`. Where there was none, it gets the inherited value. */
export function restoreProperty(target: object, name: string, own: PropertyDescriptor | undefined): void {
  const values = target as Record<string, unknown>;
  if (own === undefined) values[name] = Object.getPrototypeOf(target)[name];
  else if (isPlainProperty(own) && isPlainProperty(Object.getOwnPropertyDescriptor(target, name)))
    values[name] = own.value;
  else Object.defineProperty(target, name, own);
}

/** Whether an assignment changes the value of this property, and nothing else. */
function isPlainProperty(property: PropertyDescriptor | undefined): boolean {
  return property?.writable === true && property.enumerable === true && property.configurable === true;
}
