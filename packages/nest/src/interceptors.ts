// The two interceptors: one outside of all others of the application, and one on each handler with @Idempotent().
import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common';
import { ConfigurationError } from '@onceguard/core';
import type { Observable } from 'rxjs';
import type { IdempotencyEngine } from './engine.js';

/** The token of the application's `IdempotencyEngine`. The same in all copies of this package. */
export const engineToken = Symbol.for('onceguard.nest.engine');

export class OutermostInterceptor implements NestInterceptor {
  readonly #engine: IdempotencyEngine;

  constructor(engine: IdempotencyEngine) {
    this.#engine = engine;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.#engine.interceptOutermost(context, next);
  }
}

/** Nest creates one in each module that has a handler with `@Idempotent()`, when the application starts. */
@Injectable()
export class HandlerInterceptor implements NestInterceptor {
  readonly #engine: IdempotencyEngine;

  constructor(engine?: IdempotencyEngine) {
    if (engine === undefined) throw missingModule();
    this.#engine = engine;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.#engine.interceptHandler(context, next);
  }
}

// As decorators of the first parameter of the constructor. Optional, so that the error below is thrown in place of Nest's.
Inject(engineToken)(HandlerInterceptor, undefined, 0);
Optional()(HandlerInterceptor, undefined, 0);

function missingModule(): ConfigurationError {
  const remedy = 'Add IdempotencyModule.forRoot({ store, scope }) to the imports of the root module.';
  return new ConfigurationError('option_invalid', `A handler has @Idempotent(), but its module is missing. ${remedy}`);
}
