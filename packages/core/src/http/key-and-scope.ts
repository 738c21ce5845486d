// Who calls, and under which key: what the options `key` and `scope` give, or the header of the request.
import { ConfigurationError, IdempotencyError } from '../errors.js';
import { describePlaceholder, findPlaceholder } from '../placeholder.js';
import type { CheckedHttpOptions } from './http-options.js';
import { checkKey, type ParsedKey, parseKey } from './idempotency-key.js';
import { callWithTimeout } from './option-callbacks.js';

/** The key, or null where there is none and none is required. `headerLines` are the lines of a header, by its name. */
export async function readKey<Request>(
  request: Request,
  headerLines: (name: string) => readonly string[],
  options: CheckedHttpOptions<Request>,
): Promise<string | null> {
  const { key, headerName, callbackTimeoutMs } = options;
  if (key === undefined) {
    const lines = headerLines(headerName);
    if (lines.length === 0) return noKey(`The header ${headerName} is missing.`, options);
    return requireValidKey(`The header ${headerName}`, parseKey(lines));
  }
  const given: unknown = await callWithTimeout('key', callbackTimeoutMs, () => key(request));
  if (given === undefined) return noKey('This request has no idempotency key.', options);
  return requireValidKey('The idempotency key of this request', checkKey(requireKeyString(given)));
}

function noKey(message: string, { required }: { required: boolean }): null {
  if (required) throw new IdempotencyError('key_missing', message);
  return null;
}

function requireValidKey(subject: string, parsed: ParsedKey): string {
  if (parsed.ok) return parsed.key;
  throw new IdempotencyError('key_invalid', `${subject} ${parsed.reason}.`);
}

/** What the application's own function gives wrongly is for its developers, not for the client. */
function requireKeyString(given: unknown): string {
  const problem = typeof given === 'string' ? placeholderMessage(given) : `a value of type ${typeName(given)}`;
  if (typeof given === 'string' && problem === null) return given;
  const remedy = 'It must give the key as a string, or undefined where the request has none.';
  throw new ConfigurationError('option_invalid', `The function key gave ${problem}. ${remedy}`);
}

/** Whose key it is. A caller's own scope can never be spelled like the shared one. */
export async function requireScope<Request>(
  request: Request,
  { scope, callbackTimeoutMs }: Pick<CheckedHttpOptions<Request>, 'scope' | 'callbackTimeoutMs'>,
): Promise<string> {
  if (scope === 'public') return scope;
  const given: unknown = await callWithTimeout('scope', callbackTimeoutMs, () => scope(request));
  if (typeof given === 'string' && given !== '' && findPlaceholder(given) === null) return `of ${given}`;
  const problem =
    typeof given === 'string' ? (placeholderMessage(given) ?? 'an empty string') : `a value of type ${typeName(given)}`;
  const remedy = 'It must give the id of the caller as a non-empty string; mount the middleware after authentication.';
  throw new IdempotencyError('scope_missing', `The scope function gave ${problem}. ${remedy}`);
}

function placeholderMessage(given: string): string | null {
  const placeholder = findPlaceholder(given);
  return placeholder === null ? null : `a string that names nothing: ${describePlaceholder(placeholder)}`;
}

function typeName(given: unknown): string {
  return given === null ? 'null' : typeof given;
}
