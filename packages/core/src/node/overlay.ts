// Own properties laid over an object for a while, and afterwards put back by descriptor.

export interface Overlay {
  /** Lays an ordinary property over `name`: others may assign to it, as they patch `res.end`. */
  value(name: string, value: unknown): void;
  /**
   * Lays a getter over `name`. It is given what the property would hold without it; whoever assigns, as Node does to
   * `res.socket`, assigns to that.
   */
  getter(name: string, get: (beneath: unknown) => unknown): void;
  /** Puts everything back: what stood there before, with what was assigned beneath a getter since. Works once. */
  lift(): void;
}

export function overlay(target: object): Overlay {
  const restore: (() => void)[] = [];

  return {
    value(name, value) {
      restore.push(putBack(target, name));
      Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
    },
    getter(name, get) {
      const own = Object.getOwnPropertyDescriptor(target, name);
      const isPlain = own !== undefined && 'value' in own;
      let beneath: unknown = Reflect.get(target, name);
      restore.push(
        isPlain ? () => Object.defineProperty(target, name, { ...own, value: beneath }) : putBack(target, name),
      );
      Object.defineProperty(target, name, {
        get: () => get(own?.get ? own.get.call(target) : beneath),
        set: (value: unknown) => {
          if (own?.set) own.set.call(target, value);
          else beneath = value;
        },
        configurable: true,
        enumerable: true,
      });
    },
    lift() {
      for (const putBackOne of restore.splice(0).reverse()) putBackOne();
    },
  };
}

/** How to make the own property `name` what it is now, absence included. */
export function putBack(target: object, name: string): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  return () => {
    if (own) Object.defineProperty(target, name, own);
    else Reflect.deleteProperty(target, name);
  };
}
