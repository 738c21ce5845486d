// The stand-in for `res.socket`: the real socket in everything, except that it does not tell that it was closed.
import { EventEmitter } from 'node:events';

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
 * written, and asks for more at the next turn of the event loop, once for all that was dropped in this one.
 */
export class StandIn implements ProxyHandler<EventEmitter> {
  readonly socket: object;
  readonly #real: EventEmitter;
  /** Who waits for the end of the connection. They are handed to the real socket when it may be seen. */
  #audience: EventEmitter | undefined;
  #isHidden = true;
  /** The callbacks of what was dropped in this turn of the event loop. */
  #dropped: (() => void)[] = [];

  constructor(real: EventEmitter) {
    this.#real = real;
    this.socket = new Proxy(real, this);
  }

  get(target: EventEmitter, name: string | symbol): unknown {
    if (this.#isHidden && WHILE_OPEN.has(name)) return WHILE_OPEN.get(name);
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== 'function') return value;
    if (SUBSCRIBING.has(name)) return this.#subscribing(name);
    if (name === 'write' && this.#isHidden && Reflect.get(target, 'destroyed') === true) return this.#drop;
    return value.bind(target);
  }

  /** Tells those who wait for 'close' or 'error' what they missed, or leaves them to the real socket. */
  reveal(): void {
    this.#isHidden = false;
    if (this.#audience) handOver(this.#audience, this.#real);
  }

  readonly #drop = (...args: readonly unknown[]): boolean => {
    const callback = args.at(-1);
    if (this.#dropped.length === 0) setImmediate(() => this.#drained());
    this.#dropped.push(() => void (typeof callback === 'function' && callback()));
    return false;
  };

  #drained(): void {
    for (const callback of this.#dropped.splice(0)) callback();
    this.#real.emit('drain');
  }

  #subscribing(method: string | symbol) {
    return (event: unknown, ...rest: unknown[]): object => {
      const isKeptBack = this.#isHidden && KEPT_BACK.some((kept) => kept === event);
      if (isKeptBack) this.#audience ??= new EventEmitter();
      const emitter = (isKeptBack && this.#audience) || this.#real;
      const subscribe: unknown = Reflect.get(emitter, method);
      if (typeof subscribe === 'function') Reflect.apply(subscribe, emitter, [event, ...rest]);
      return this.socket;
    };
  }
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
