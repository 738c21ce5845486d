// What decorators have said about a handler: ours, and those of Nest that decide how it responds.
import type { ExecutionContext, Type } from '@nestjs/common';
import type { IdempotentOptions } from './options.js';

/** A method of a controller or a resolver. */
export type HandlerFunction = ReturnType<ExecutionContext['getHandler']>;
export type HandlerClass = Type<unknown>;

/** Under this name `@Idempotent()` keeps its options: false takes a handler out. */
export const policyMetadata = 'onceguard:idempotent';

// The names under which Nest 11 and 12 keep what their own decorators say. Nest does not export them.
const sseMetadata = '__sse__';
const routeArgumentsMetadata = '__routeArguments__';
const passthroughMetadata = '__responsePassthrough__';
const interceptorsMetadata = '__interceptors__';
const patternMetadata = 'microservices:pattern';
const routePathMetadata = 'path';
/** `RouteParamtypes.RESPONSE` and `RouteParamtypes.NEXT`: the keys of route arguments begin with them. */
const responseArgumentPattern = /^[12]:/;

export interface DeclaredPolicy {
  /** Of the controller, then of the handler. */
  readonly options: readonly IdempotentOptions[];
  /** The handler itself has the decorator, not its controller alone. */
  readonly isOnHandler: boolean;
}

/** Null: neither the handler nor its class has `@Idempotent()`, or the handler has `@Idempotent(false)`. */
export function declaredPolicy(controller: HandlerClass, handler: HandlerFunction): DeclaredPolicy | null {
  const ofClass: IdempotentOptions | false | undefined = Reflect.getMetadata(policyMetadata, controller);
  const ofHandler: IdempotentOptions | false | undefined = Reflect.getMetadata(policyMetadata, handler);
  if (ofHandler === false || (ofHandler === undefined && !ofClass)) return null;
  const options = [ofClass, ofHandler].filter((one): one is IdempotentOptions => typeof one === 'object');
  return { options, isOnHandler: ofHandler !== undefined };
}

/** The handler has `@Sse()`. */
export function isEventStreamHandler(handler: HandlerFunction): boolean {
  return Reflect.getMetadata(sseMetadata, handler) === true;
}

/** The handler takes `@Res()` or `@Next()` without `passthrough`: then Nest does not respond for it. */
export function respondsItself(controller: HandlerClass, handler: HandlerFunction): boolean {
  const declared: object = Reflect.getMetadata(routeArgumentsMetadata, controller, handler.name) ?? {};
  const takesResponse = Object.keys(declared).some((key) => responseArgumentPattern.test(key));
  return takesResponse && Reflect.getMetadata(passthroughMetadata, controller, handler.name) !== true;
}

export function isHttpHandler(handler: HandlerFunction): boolean {
  return Reflect.hasMetadata(routePathMetadata, handler);
}

/** The patterns of a message or event handler, as text. Undefined where it is none. */
export function messagePatterns(handler: HandlerFunction): string | undefined {
  const patterns: unknown = Reflect.getMetadata(patternMetadata, handler);
  if (patterns === undefined) return undefined;
  return JSON.stringify(patterns, (_, value: unknown) => (value instanceof RegExp ? String(value) : value));
}

/** Makes the interceptor the last of its handler, so that no other runs between the two. */
export function placeInnermost(handler: HandlerFunction, interceptor: HandlerClass): void {
  const declared: readonly unknown[] = Reflect.getMetadata(interceptorsMetadata, handler) ?? [];
  const others = declared.filter((one) => one !== interceptor);
  Reflect.defineMetadata(interceptorsMetadata, [...others, interceptor], handler);
}
