// Reads the key of a request and whose key it is, from the options `key` and `scope` or from the header.
import { ConfigurationError, IdempotencyError } from '../errors.js';
import { describePlaceholder, findPlaceholder } from '../placeholder.js';
import type { CheckedHttpOptions } from './http-options.js';
import { checkKey, type ParsedKey, parseKey } from './idempotency-key.js';
import { callWithTimeout, whenSettled } from './option-callbacks.js';

/**
 * The key, or null where there is none and none is required. `keyLines` are the lines of the key header. Throws an `IdempotencyError`
 * (`key_missing`, `key_invalid`), or a `ConfigurationError` where the option `key` returns what it must not.
 */
export function readKey<Request>(
  request: Request,
  keyLines: readonly string[],
  options: CheckedHttpOptions<Request>,
): string | null | Promise<string | null> {
  const { key, headerName, callbackTimeoutMs } = options;
  if (key === undefined) {
    if (keyLines.length === 0) return noKey(`The header ${headerName} is missing.`, options);
    return requireValidKey(`The header ${headerName}`, parseKey(keyLines));
  }
  const returned = callWithTimeout('key', callbackTimeoutMs, () => key(request));
  return whenSettled(returned, (ownKey: unknown) => {
    if (ownKey === undefined) return noKey('This request has no idempotency key.', options);
    return requireValidKey('The idempotency key of this request', checkKey(requireKeyString(ownKey)));
  });
}

function noKey(message: string, { required }: { required: boolean }): null {
  if (required) throw new IdempotencyError('key_missing', message);
  return null;
}

function requireValidKey(subject: string, parsed: ParsedKey): string {
  if (parsed.ok) return parsed.key;
  throw new IdempotencyError('key_invalid', `${subject} ${parsed.reason}.`);
}

/** A mistake of the application's own function is reported to its developers, not to the client. */
function requireKeyString(returned: unknown): string {
  const problem = typeof returned === 'string' ? placeholderMessage(returned) : `a value of type ${typeName(returned)}`;
  if (typeof returned === 'string' && problem === null) return returned;
  const remedy = 'It must return the key as a string, or undefined where the request has none.';
  throw new ConfigurationError('option_invalid', `The function key returned ${problem}. ${remedy}`);
}

/**
 * Whose key it is. The prefix `of ` keeps the scope of a caller apart from the shared scope `public`. Throws an `IdempotencyError`
 * (`scope_missing`) where the option `scope` does not return a usable string.
 */
export function requireScope<Request>(
  request: Request,
  { scope, callbackTimeoutMs }: Pick<CheckedHttpOptions<Request>, 'scope' | 'callbackTimeoutMs'>,
): string | Promise<string> {
  if (scope === 'public') return scope;
  return whenSettled(
    callWithTimeout('scope', callbackTimeoutMs, () => scope(request)),
    requireUsableScope,
  );
}

function requireUsableScope(returned: unknown): string {
  if (typeof returned === 'string' && returned !== '' && findPlaceholder(returned) === null) return `of ${returned}`;
  const problem =
    typeof returned === 'string'
      ? (placeholderMessage(returned) ?? 'an empty string')
      : `a value of type ${typeName(returned)}`;
  const remedy =
    'It must return the id of the caller as a non-empty string; mount the middleware after authentication.';
  throw new IdempotencyError('scope_missing', `The scope function returned ${problem}. ${remedy}`);
}

function placeholderMessage(text: string): string | null {
  const placeholder = findPlaceholder(text);
  return placeholder === null ? null : `a string that names nothing: ${describePlaceholder(placeholder)}`;
}

function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
