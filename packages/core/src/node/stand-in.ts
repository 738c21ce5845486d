// The stand-in for the socket of a request and its response: the real one in everything, except that it hides that it was closed.

import { EventEmitter } from 'node:events';
import { afterThisTurn } from '../timers.js';

const HIDDEN_EVENTS = new Set<unknown>(['error', 'end', 'close']);
const ADDING = new Set<unknown>(['on', 'addListener', 'once', 'prependListener', 'prependOnceListener']);
const REMOVING = new Set<unknown>(['off', 'removeListener', 'removeAllListeners']);
const WHILE_OPEN = new Map<unknown, unknown>([
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
 * Node itself and layers outside work through it too once bytes flow. After the client has gone it drops what is
 * written, and asks for more at the next turn of the event loop, once for all that was dropped in this one.
 */
export class StandIn implements ProxyHandler<EventEmitter> {
  readonly socket: object;
  readonly #real: EventEmitter;
  /** Has the listeners of hidden events. They are moved to the real socket when it may be seen. */
  #hidden: EventEmitter | undefined;
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
    if (ADDING.has(name)) return this.#adding(name);
    if (REMOVING.has(name)) return this.#removing(name);
    if (name === 'write' && this.#isHidden && Reflect.get(target, 'destroyed') === true) return this.#drop;
    return value.bind(target);
  }

  /** Calls the listeners that missed an event, and moves the others to the real socket. */
  reveal(): void {
    this.#isHidden = false;
    if (this.#hidden) this.#moveListeners(this.#hidden);
  }

  readonly #drop = (...args: readonly unknown[]): boolean => {
    const callback = args.at(-1);
    if (this.#dropped.length === 0) afterThisTurn(() => this.#drained());
    this.#dropped.push(() => void (typeof callback === 'function' && callback()));
    return false;
  };

  #drained(): void {
    for (const callback of this.#dropped.splice(0)) callback();
    this.#real.emit('drain');
  }

  #adding(method: string | symbol) {
    return (event: unknown, ...rest: unknown[]): object => {
      const isHidden = this.#isHidden && HIDDEN_EVENTS.has(event);
      if (isHidden) this.#hidden ??= new EventEmitter().setMaxListeners(0);
      call((isHidden && this.#hidden) || this.#real, method, [event, ...rest]);
      return this.socket;
    };
  }

  /** A listener may have been added before the socket was hidden, or since. */
  #removing(method: string | symbol) {
    return (...args: unknown[]): object => {
      if (this.#hidden) call(this.#hidden, method, args);
      call(this.#real, method, args);
      return this.socket;
    };
  }

  #moveListeners(hidden: EventEmitter): void {
    const real = this.#real;
    const hasEnded = Reflect.get(real, 'readableEnded') === true;
    const isClosed = Reflect.get(real, 'closed') === true;
    const error: unknown = Reflect.get(real, 'errored') ?? null;
    this.#move(hidden, 'error', isClosed ? (error === null ? null : [error]) : undefined);
    this.#move(hidden, 'end', hasEnded ? [] : undefined);
    this.#move(hidden, 'close', isClosed ? [Boolean(error)] : undefined);
  }

  /** `missed` are the arguments of an event that has been emitted already; null: there was none, and there will be none. */
  #move(hidden: EventEmitter, event: string, missed: readonly unknown[] | null | undefined): void {
    for (const listener of hidden.rawListeners(event)) {
      const given = givenToOnce(listener);
      if (missed) Reflect.apply(given ?? listener, this.socket, missed);
      else if (missed === undefined) call(this.#real, given ? 'once' : 'on', [event, given ?? listener]);
    }
    hidden.removeAllListeners(event);
  }
}

function call(emitter: EventEmitter, method: string | symbol, args: readonly unknown[]): void {
  const value: unknown = Reflect.get(emitter, method);
  if (typeof value === 'function') Reflect.apply(value, emitter, args);
}

type Listener = (...args: unknown[]) => unknown;

/** `once` wraps the function that it is given. */
function givenToOnce(listener: object): Listener | undefined {
  const given: unknown = Reflect.get(listener, 'listener');
  return isListener(given) ? given : undefined;
}

function isListener(given: unknown): given is Listener {
  return typeof given === 'function';
}
