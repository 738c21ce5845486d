// The contexts of executions that run now, by the object that stands for each: a request, a message, a field of a mutation.
import type { ExecutionContext } from '@nestjs/common';
import { HiddenProperty, type HttpContext } from '@onceguard/core/http';

/** Shared by all copies of this package: the decorator of one copy finds what the module of another has set. */
const contexts = new HiddenProperty<HttpContext>(Symbol.for('onceguard.nest-context/1'));

export function setContext(identity: object, context: HttpContext): void {
  contexts.set(identity, context);
}

/** Undefined where the handler runs without idempotency. */
export function contextOf(context: ExecutionContext): HttpContext | undefined {
  const identity = identityOf(context);
  return identity === undefined ? undefined : contexts.get(identity);
}

/** An object that Nest passes unchanged to interceptors and to parameter decorators of one call. */
function identityOf(context: ExecutionContext): object | undefined {
  switch (context.getType<string>()) {
    case 'http':
      return nodeRequestOf(context.switchToHttp().getRequest<object>());
    case 'graphql':
      return context.getArgByIndex<object>(3);
    case 'rpc':
      return context.switchToRpc().getContext<object>();
    default:
      return undefined;
  }
}

/** The request of node:http. Fastify has it as `raw`. */
export function nodeRequestOf(request: object): object {
  const raw: unknown = Reflect.get(request, 'raw');
  return typeof raw === 'object' && raw !== null ? raw : request;
}
