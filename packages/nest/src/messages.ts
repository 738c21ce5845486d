// Message and event handlers of microservices: `key` says which operation a message asks for.
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { IdempotencyError } from '@onceguard/core';
import { catchError, from, lastValueFrom, mergeMap, type Observable, throwError, toArray } from 'rxjs';
import type { RunGuarded } from './guarded-calls.js';
import type { HandlerOptions } from './options.js';
import { toRpcException } from './refusals.js';

export interface GuardedMessages {
  readonly options: HandlerOptions;
  /** The patterns of the handler: two handlers may get the same key. */
  readonly patterns: string;
  readonly run: RunGuarded;
}

/** All values that the handler emits are its result. A repeat gets them together. */
export function handleMessage(
  { options, patterns, run }: GuardedMessages,
  context: ExecutionContext,
  next: CallHandler,
): Observable<unknown> {
  const rpc = context.switchToRpc();
  const data: unknown = rpc.getData();
  const handled = next.handle();
  const guarded = async (): Promise<Observable<unknown>> => {
    if (await options.skip?.(data)) return handled;
    const values = await run({
      identity: rpc.getContext<object>(),
      input: data,
      key: `${patterns}#${await keyOf(data, options)}`,
      payload: data,
      operation: patterns,
      run: async () => await lastValueFrom(handled.pipe(toArray())),
    });
    return from(values as unknown[]);
  };
  return from(guarded()).pipe(
    mergeMap((values) => values),
    catchError((error) => from(toRpcException(error)).pipe(mergeMap((thrown) => throwError(() => thrown)))),
  );
}

/** A message without a key cannot be recognised when it is delivered again, so it is refused. */
async function keyOf(data: unknown, { key }: HandlerOptions): Promise<string> {
  const returned: unknown = await key?.(data);
  if (typeof returned === 'string' && returned !== '') return returned;
  throw new IdempotencyError('key_missing', 'The function key returned no key for this message.');
}
