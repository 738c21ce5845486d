// The name of a request's record, and what the record says about the request for people and tools.
import { operationRecordName, requestRecordName } from '../engine/record-name.js';
import { checkLabel, currentTraceparent, defaultOperation } from '../engine/work-description.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions } from './http-options.js';
import { callWithTimeout, whenSettled } from './option-callbacks.js';
import { splitTarget } from './request-target.js';

/** The name of the record: by the option `operation` where it is given, else by method and path. */
export function nameRecord(
  { method, originalUrl }: HttpExchange,
  scope: string,
  key: string,
  operation: string | undefined,
): string {
  if (operation !== undefined) return operationRecordName(scope, operation, key);
  return requestRecordName(scope, method, splitTarget(originalUrl).path, key);
}

interface RequestDescription {
  readonly operation: string;
  readonly label: string | null;
  readonly traceparent: string | null;
}

/** Rejects with the error of the function `label`, and with a `ConfigurationError` for a label that no record can keep. */
export function describeRequest<Request>(
  request: Request,
  exchange: HttpExchange,
  { operation, label, callbackTimeoutMs }: CheckedHttpOptions<Request>,
): RequestDescription | Promise<RequestDescription> {
  const describe = (checkedLabel: string | null): RequestDescription => ({
    operation: operationOf(exchange, operation),
    label: checkedLabel,
    traceparent: currentTraceparent(exchange.requestHeader?.('traceparent')),
  });
  if (label === undefined) return describe(null);
  const returned = callWithTimeout('label', callbackTimeoutMs, () => label(request));
  return whenSettled(returned, (given) => describe(checkLabel(given)));
}

/** The option `operation`, or else the method and the template of the route, as far as the framework knows it. */
export function operationOf(exchange: HttpExchange, operation: string | undefined): string {
  if (operation !== undefined) return operation;
  const anyRoute = `${exchange.method} *`;
  const template = exchange.routeTemplate?.();
  return template === undefined ? anyRoute : defaultOperation(`${exchange.method} ${template}`, anyRoute);
}
