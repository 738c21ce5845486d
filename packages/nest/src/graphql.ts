// Mutations of GraphQL: each field of a mutation is one operation with a record of its own.
import type { IncomingMessage } from 'node:http';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { ConfigurationError, IdempotencyError } from '@onceguard/core';
import { parseKey } from '@onceguard/core/http';
import { headerLines } from '@onceguard/core/node';
import { catchError, from, lastValueFrom, mergeMap, type Observable, throwError } from 'rxjs';
import { nodeRequestOf } from './contexts.js';
import type { RunGuarded } from './guarded-calls.js';
import type { AnyInput, HandlerOptions } from './options.js';
import { toGraphqlError } from './refusals.js';

export interface GuardedMutation {
  readonly options: HandlerOptions;
  readonly run: RunGuarded;
}

/** The parts of graphql's `GraphQLResolveInfo` that are used here. */
interface ResolveInfo {
  readonly fieldName: string;
  readonly path: { readonly key: string | number; readonly prev: unknown };
  readonly operation: { readonly operation: string };
}

/** The key of the header names the whole document, so the name of the field in the response is added to it. */
export function handleMutation(
  { options, run }: GuardedMutation,
  context: ExecutionContext,
  next: CallHandler,
): Observable<unknown> {
  const [, args, shared, info] = context.getArgs<[unknown, unknown, AnyInput, ResolveInfo]>();
  if (info.operation.operation !== 'mutation' || info.path.prev !== undefined) return next.handle();
  const handled = next.handle();
  const guarded = async (): Promise<Observable<unknown>> => {
    const request = requestOf(shared);
    if (await options.skip?.(request)) return handled;
    const key = await keyOf(request, options);
    if (key === null) return handled;
    const result = await run({
      identity: info,
      input: request,
      key: `${key} ${info.path.key}`,
      payload: [info.fieldName, args],
      operation: info.fieldName,
      run: async () => await lastValueFrom(handled, { defaultValue: undefined }),
    });
    return from([result]);
  };
  return from(guarded()).pipe(
    mergeMap((result) => result),
    catchError((error) => throwError(() => toGraphqlError(error))),
  );
}

/** Apollo on Express and Fastify, and Yoga, have it as `req` or `request`; Mercurius has it on its reply. */
function requestOf(shared: AnyInput): AnyInput {
  const request = shared?.req ?? shared?.request ?? shared?.reply?.request;
  if (typeof request === 'object' && request !== null) return request;
  const remedy = 'Give the GraphQL module a context that has it: context: ({ req }) => ({ req }).';
  throw new ConfigurationError('option_invalid', `The context of this mutation has no member req. ${remedy}`);
}

/** Null: the request has no key, and none is required. */
async function keyOf(request: AnyInput, options: HandlerOptions): Promise<string | null> {
  const { headerName = 'Idempotency-Key', required = false, key } = options;
  const lines = key === undefined ? linesOf(request, headerName) : toLines(await key(request));
  if (lines.length === 0) {
    if (required) throw new IdempotencyError('key_missing', `The header ${headerName} is missing.`);
    return null;
  }
  const parsed = parseKey(lines);
  if (!parsed.ok) throw new IdempotencyError('key_invalid', `The header ${headerName} ${parsed.reason}.`);
  return parsed.key;
}

function linesOf(request: AnyInput, headerName: string): readonly string[] {
  if (typeof request.headers?.get === 'function') return toLines(request.headers.get(headerName) ?? undefined);
  return headerLines(nodeRequestOf(request) as IncomingMessage, headerName);
}

function toLines(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}
