// The stand-in for `res.socket`: the real socket in everything, except that it does not tell that it was closed.
import { EventEmitter } from 'node:events';

export interface StandIn {
  readonly socket: object;
  /** Tells those who wait for 'close' or 'error' what they missed, or leaves them to the real socket. */
  reveal(): void;
}

const KEPT_BACK = ['close', 'error'];
const SUBSCRIBING = new Set<unknown>([
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
]);
const WHILE_OPEN = new Map<unknown, unknown>([
  ['destroyed', false],
  ['closed', false],
  ['errored', null],
  ['writable', true],
]);

/**
 * Node itself and layers outside work through it too once bytes flow. After the client has gone it drops what is
 * written, and asks for more at the next turn of the event loop: no layer stops its source, and no source keeps the
 * process to itself.
 */
export function standInFor(real: EventEmitter, isHidden: () => boolean): StandIn {
  // Who waits for the end of the connection. They are handed to the real socket when it may be seen.
  const audience = new EventEmitter();

  const socket: object = new Proxy(real, {
    get(target, name) {
      if (isHidden() && WHILE_OPEN.has(name)) return WHILE_OPEN.get(name);
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (SUBSCRIBING.has(name)) return subscribing(isHidden() ? audience : target, target, name, () => socket);
      if (name === 'write' && isHidden() && Reflect.get(target, 'destroyed') === true) return dropping(target);
      return value.bind(target);
    },
  });

  return { socket, reveal: () => handOver(audience, real) };
}

function handOver(audience: EventEmitter, real: EventEmitter): void {
  if (Reflect.get(real, 'closed') !== true) {
    for (const event of KEPT_BACK)
      for (const listener of audience.rawListeners(event)) Reflect.apply(real.on, real, [event, listener]);
    return;
  }
  const error: unknown = Reflect.get(real, 'errored');
  if (error && audience.listenerCount('error') > 0) audience.emit('error', error);
  audience.emit('close', Boolean(error));
}

function subscribing(toEnd: object, toRest: object, method: string | symbol, self: () => object) {
  return (event: unknown, ...rest: unknown[]): object => {
    const emitter = KEPT_BACK.some((kept) => kept === event) ? toEnd : toRest;
    const subscribe: unknown = Reflect.get(emitter, method);
    if (typeof subscribe === 'function') Reflect.apply(subscribe, emitter, [event, ...rest]);
    return self();
  };
}

function dropping(real: EventEmitter) {
  return (...args: readonly unknown[]): boolean => {
    const callback = args.at(-1);
    setImmediate(() => {
      if (typeof callback === 'function') callback();
      real.emit('drain');
    });
    return false;
  };
}
