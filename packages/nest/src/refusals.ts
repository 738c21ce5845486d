// Refusals of mutations and messages, in the form in which GraphQL and Nest's microservices pass an error to the client.
import { ConfigurationError, type ErrorCode, errorTable, IdempotencyError } from '@onceguard/core';

/** What a client gets. Never the message of the error, which may name the store. */
export interface RefusalDetails {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  /** In milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** Null: the error is not a refusal, but a failure of the handler or a mistake of the application. */
function refusalDetails(error: unknown): RefusalDetails | null {
  if (!(error instanceof IdempotencyError) || error instanceof ConfigurationError) return null;
  const { status, title, retryable } = errorTable[error.code];
  if (status === 500) return null;
  const retryAfterMs: unknown = Reflect.get(error, 'retryAfterMs');
  const delay = typeof retryAfterMs === 'number' ? { retryAfterMs } : {};
  return { code: error.code, message: title, retryable, ...delay };
}

/** GraphQL makes a GraphQLError of an error, and takes over its `extensions`. */
export function toGraphqlError(error: unknown): unknown {
  const details = refusalDetails(error);
  if (details === null) return error;
  const { message, ...extensions } = details;
  return Object.assign(new IdempotencyError(details.code, message, { cause: error }), { extensions });
}

/** Nest hides the message of everything but its own RpcException, whose content the client gets. */
export async function toRpcException(error: unknown): Promise<unknown> {
  const details = refusalDetails(error);
  if (details === null) return error;
  // Loaded here, because it is installed only where there are message handlers.
  const { RpcException } = await import('@nestjs/microservices');
  return new RpcException({ status: 'error', ...details });
}
