// When the application starts: checks the options of every handler with @Idempotent(), and puts its interceptor in place.
import type { ModulesContainer } from '@nestjs/core';
import type { IdempotencyEngine } from './engine.js';
import { HandlerInterceptor } from './interceptors.js';
import {
  declaredPolicy,
  type HandlerClass,
  type HandlerFunction,
  isHttpHandler,
  messagePatterns,
  placeInnermost,
} from './metadata.js';

/** Throws a `ConfigurationError` that names the handler. Must be called before Nest registers the routes. */
export function prepareHandlers(modules: ModulesContainer, engine: IdempotencyEngine): void {
  for (const { controllers } of modules.values()) {
    for (const { metatype } of controllers.values()) {
      if (typeof metatype === 'function') prepareController(metatype as HandlerClass, engine);
    }
  }
}

function prepareController(controller: HandlerClass, engine: IdempotencyEngine): void {
  for (const handler of methodsOf(controller.prototype)) {
    if (declaredPolicy(controller, handler) === null) continue;
    if (messagePatterns(handler) !== undefined) engine.messagesOf(controller, handler);
    if (!isHttpHandler(handler)) continue;
    // It tracks the handler there. Elsewhere a time-out interceptor between the two would look like the end of the handler.
    if (engine.routeOf(controller, handler)?.position === 'outermost') placeInnermost(handler, HandlerInterceptor);
  }
}

/** Inherited methods too. */
function methodsOf(prototype: object): HandlerFunction[] {
  const methods = new Map<string, HandlerFunction>();
  for (let at = prototype; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor' && !methods.has(name)) methods.set(name, value);
    }
  }
  return [...methods.values()];
}
