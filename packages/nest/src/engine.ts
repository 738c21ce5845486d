// The one object of an application that knows the options of each handler. Interceptors ask it.
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { ConfigurationError } from '@onceguard/core';
import { createLifecycle } from '@onceguard/core/http';
import type { Observable } from 'rxjs';
import { type GuardedMutation, handleMutation } from './graphql.js';
import { createGuardedRun } from './guarded-calls.js';
import { type HttpRoute, handleRequest, trackHandler } from './http-route.js';
import { type GuardedMessages, handleMessage } from './messages.js';
import {
  type DeclaredPolicy,
  declaredPolicy,
  type HandlerClass,
  type HandlerFunction,
  isEventStreamHandler,
  messagePatterns,
  respondsItself,
} from './metadata.js';
import { type HandlerOptions, type IdempotencyModuleOptions, mergeOptions, refuseMethods } from './options.js';

/** `@Idempotent()` on a controller is meant for its handlers that change something. */
const unsafeMethods = ['POST', 'PUT', 'PATCH', 'DELETE'];
const everyMethod = [...unsafeMethods, 'GET', 'HEAD', 'OPTIONS', 'QUERY', 'SEARCH'];

export class IdempotencyEngine {
  readonly #options: IdempotencyModuleOptions;
  readonly #routes = new PerHandler<HttpRoute>();
  readonly #mutations = new PerHandler<GuardedMutation>();
  readonly #messages = new PerHandler<GuardedMessages>();

  /** Throws a `ConfigurationError` that names every invalid option of the module. */
  constructor(options: IdempotencyModuleOptions) {
    refuseMethods(options);
    createLifecycle(options);
    this.#options = options;
  }

  /** The outermost interceptor of the application, which runs for every handler. */
  interceptOutermost(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType<string>() !== 'http') return next.handle();
    const route = this.routeOf(context.getClass(), context.getHandler());
    return route?.position === 'outermost' ? handleRequest(route, context, next) : next.handle();
  }

  /** The interceptor that `@Idempotent()` adds to its handler. */
  interceptHandler(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [controller, handler] = [context.getClass(), context.getHandler()];
    switch (context.getType<string>()) {
      case 'http':
        return interceptRoute(this.routeOf(controller, handler), context, next);
      case 'graphql': {
        const mutation = this.mutationOf(controller, handler);
        return mutation === null ? next.handle() : handleMutation(mutation, context, next);
      }
      case 'rpc': {
        const messages = this.messagesOf(controller, handler);
        return messages === null ? next.handle() : handleMessage(messages, context, next);
      }
      default:
        throw unsupportedHandler(controller, handler);
    }
  }

  /** Throws a `ConfigurationError` for options that are not valid, as the two below do. Null: without idempotency. */
  routeOf(controller: HandlerClass, handler: HandlerFunction): HttpRoute | null {
    return this.#routes.get(controller, handler, (policy) => {
      const { position = 'outermost', finalErrors: _, ...options } = this.#merge(policy);
      const methods = policy.isOnHandler ? everyMethod : unsafeMethods;
      return {
        lifecycle: createLifecycle({ ...options, methods }),
        position,
        isEventStream: isEventStreamHandler(handler),
        respondsItself: respondsItself(controller, handler),
      };
    });
  }

  mutationOf(controller: HandlerClass, handler: HandlerFunction): GuardedMutation | null {
    return this.#mutations.get(controller, handler, (policy) => {
      const options = this.#merge(policy);
      return { options, run: createGuardedRun(options) };
    });
  }

  messagesOf(controller: HandlerClass, handler: HandlerFunction): GuardedMessages | null {
    return this.#messages.get(controller, handler, (policy) => {
      const options = this.#merge(policy);
      requireOptionsOfMessages(policy, options);
      return { options, patterns: messagePatterns(handler) ?? handler.name, run: createGuardedRun(options) };
    });
  }

  #merge({ options }: DeclaredPolicy): HandlerOptions {
    options.forEach(refuseMethods);
    return mergeOptions(this.#options, ...options);
  }
}

function interceptRoute(route: HttpRoute | null, context: ExecutionContext, next: CallHandler): Observable<unknown> {
  if (route === null) return next.handle();
  return route.position === 'route' ? handleRequest(route, context, next) : trackHandler(context, next);
}

/** The functions of the module get requests, which a message has not. */
function requireOptionsOfMessages({ options }: DeclaredPolicy, { scope }: HandlerOptions): void {
  if (!options.some(({ key }) => key !== undefined)) throw missingOption('key', 'which operation it asks for');
  if (scope !== 'public' && !options.some((own) => own.scope !== undefined))
    throw missingOption('scope', 'whose key it is, or the word "public"');
}

function missingOption(name: string, says: string): ConfigurationError {
  const remedy = `Add it: @Idempotent({ ${name}: (data) => … }) returns from the data of the message ${says}.`;
  return new ConfigurationError('option_invalid', `A message handler needs the option ${name} of its own. ${remedy}`);
}

function unsupportedHandler(controller: HandlerClass, handler: HandlerFunction): ConfigurationError {
  const remedy = 'Use makeIdempotent() of @onceguard/core inside of it.';
  const problem = '@Idempotent() is for HTTP routes, mutations of GraphQL and message handlers';
  return new ConfigurationError('option_invalid', `${controller.name}.${handler.name}: ${problem}. ${remedy}`);
}

/** Two controllers may inherit one handler, so the class is part of the name. */
class PerHandler<T> {
  readonly #byClass = new WeakMap<HandlerClass, WeakMap<HandlerFunction, T | null>>();

  get(controller: HandlerClass, handler: HandlerFunction, create: (policy: DeclaredPolicy) => T): T | null {
    let ofClass = this.#byClass.get(controller);
    if (ofClass === undefined) {
      ofClass = new WeakMap();
      this.#byClass.set(controller, ofClass);
    }
    const known = ofClass.get(handler);
    if (known !== undefined) return known;
    const policy = declaredPolicy(controller, handler);
    const created = policy === null ? null : createNamed(controller, handler, () => create(policy));
    ofClass.set(handler, created);
    return created;
  }
}

/** A mistake in the options of a handler names the handler. */
function createNamed<T>(controller: HandlerClass, handler: HandlerFunction, create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(error.code, `${controller.name}.${handler.name}: ${error.message}`, { cause: error });
  }
}
