// A proxy of the socket of a request and its response, which behaves as the real one, but hides that it was closed.
import { EventEmitter } from 'node:events';
import { runInNextIteration } from '../../timers.js';

const HIDDEN_EVENTS = new Set<unknown>(['error', 'end', 'close']);
const ADD_LISTENER_METHODS = new Set<unknown>(['on', 'addListener', 'once', 'prependListener', 'prependOnceListener']);
const REMOVE_LISTENER_METHODS = new Set<unknown>(['off', 'removeListener', 'removeAllListeners']);
const OPEN_SOCKET_PROPERTIES = new Map<unknown, unknown>([
  ['destroyed', false],
  ['closed', false],
  ['errored', null],
  ['writable', true],
  ['writableEnded', false],
  ['writableFinished', false],
  ['writableAborted', false],
  ['readable', true],
  ['readableEnded', false],
  ['readableAborted', false],
  ['readyState', 'open'],
]);

/**
 * Node itself and outer middleware also use the proxy when the response streams. After a disconnect the proxy drops what is
 * written, and emits 'drain' in the next event-loop iteration, once for everything that was dropped in this one.
 */
export class SocketProxy implements ProxyHandler<EventEmitter> {
  readonly proxy: object;
  readonly #realSocket: EventEmitter;
  /** Has the listeners of hidden events. `unmask` moves them to the real socket. */
  #hiddenListeners: EventEmitter | undefined;
  #isMasked = true;
  /** The callbacks of the writes that were dropped in this event-loop iteration. */
  #droppedCallbacks: (() => void)[] = [];

  constructor(socket: EventEmitter) {
    this.#realSocket = socket;
    this.proxy = new Proxy(socket, this);
  }

  get(target: EventEmitter, name: string | symbol): unknown {
    if (this.#isMasked && OPEN_SOCKET_PROPERTIES.has(name)) return OPEN_SOCKET_PROPERTIES.get(name);
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== 'function') return value;
    if (ADD_LISTENER_METHODS.has(name)) return this.#addListenerMethod(name);
    if (REMOVE_LISTENER_METHODS.has(name)) return this.#removeListenerMethod(name);
    if (name === 'write' && this.#isMasked && Reflect.get(target, 'destroyed') === true) return this.#dropWrite;
    return value.bind(target);
  }

  /** Calls the listeners of events that were hidden, and moves the others to the real socket. */
  unmask(): void {
    this.#isMasked = false;
    if (this.#hiddenListeners) this.#moveListeners(this.#hiddenListeners);
  }

  readonly #dropWrite = (...args: readonly unknown[]): boolean => {
    const callback = args.at(-1);
    if (this.#droppedCallbacks.length === 0) runInNextIteration(() => this.#emitDrain());
    this.#droppedCallbacks.push(() => void (typeof callback === 'function' && callback()));
    return false;
  };

  #emitDrain(): void {
    for (const callback of this.#droppedCallbacks.splice(0)) callback();
    this.#realSocket.emit('drain');
  }

  #addListenerMethod(method: string | symbol) {
    return (event: unknown, ...rest: unknown[]): object => {
      const isHidden = this.#isMasked && HIDDEN_EVENTS.has(event);
      if (isHidden) this.#hiddenListeners ??= new EventEmitter().setMaxListeners(0);
      callMethod((isHidden && this.#hiddenListeners) || this.#realSocket, method, [event, ...rest]);
      return this.proxy;
    };
  }

  /** The listener may have been added before the socket was masked, or since. */
  #removeListenerMethod(method: string | symbol) {
    return (...args: unknown[]): object => {
      if (this.#hiddenListeners) callMethod(this.#hiddenListeners, method, args);
      callMethod(this.#realSocket, method, args);
      return this.proxy;
    };
  }

  #moveListeners(hidden: EventEmitter): void {
    const real = this.#realSocket;
    const hasEnded = Reflect.get(real, 'readableEnded') === true;
    const isClosed = Reflect.get(real, 'closed') === true;
    const error: unknown = Reflect.get(real, 'errored') ?? null;
    this.#moveListenersOf(hidden, 'error', isClosed ? (error === null ? null : [error]) : undefined);
    this.#moveListenersOf(hidden, 'end', hasEnded ? [] : undefined);
    this.#moveListenersOf(hidden, 'close', isClosed ? [Boolean(error)] : undefined);
  }

  /** `missed`: the arguments of an event that was emitted already; null if it was not emitted and never will be. */
  #moveListenersOf(hidden: EventEmitter, event: string, missed: readonly unknown[] | null | undefined): void {
    for (const listener of hidden.rawListeners(event)) {
      const original = unwrapOnceListener(listener);
      if (missed) Reflect.apply(original ?? listener, this.proxy, missed);
      else if (missed === undefined)
        callMethod(this.#realSocket, original ? 'once' : 'on', [event, original ?? listener]);
    }
    hidden.removeAllListeners(event);
  }
}

function callMethod(emitter: EventEmitter, method: string | symbol, args: readonly unknown[]): void {
  const value: unknown = Reflect.get(emitter, method);
  if (typeof value === 'function') Reflect.apply(value, emitter, args);
}

type Listener = (...args: unknown[]) => unknown;

/** `once` wraps its listener in another function. Undefined if this is not such a wrapper. */
function unwrapOnceListener(listener: object): Listener | undefined {
  const original: unknown = Reflect.get(listener, 'listener');
  return isListener(original) ? original : undefined;
}

function isListener(value: unknown): value is Listener {
  return typeof value === 'function';
}
