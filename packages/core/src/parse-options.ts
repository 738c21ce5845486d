// Checks options where they enter. Every message has one form: the name, the value, the remedy.
import * as z from 'zod';
import { ConfigurationError } from './errors.js';

type Issue = z.core.$ZodIssue;

/**
 * The options as `schema` parses them, with defaults filled in. Throws a `ConfigurationError` (`option_invalid`) with one line per
 * mistake, such as `idempotency(): leaseMs is "30s"; it must be a whole number of …`. The messages of a schema are clauses that begin
 * with "it must". `isSecret` chooses the values of which a message shows only the type. Default: none.
 */
export function parseOptions<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  value: unknown,
  isSecret: (option: PropertyKey | undefined, value: unknown) => boolean = () => false,
): z.output<Schema> {
  const result = schema.safeParse(value, { error: defaultMessage });
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => describeIssue(issue, [], { schema, value, isSecret }));
  throw new ConfigurationError('option_invalid', lines.map((line) => `${what}: ${line}`).join('\n'));
}

/** A whole number of milliseconds: an option whose name ends in `Ms`. */
export function milliseconds(least: number, most: number) {
  return wholeNumber('milliseconds', least, most, 'For thirty seconds write 30000.');
}

/** A whole number of `unit`. `example` says how to write one. */
export function wholeNumber(unit: string, least: number, most: number, example: string) {
  const error = `it must be a whole number of ${unit} from ${least} to ${most}. ${example}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** Any function, typed as `F`. Its parameters and its result are checked where it is called. */
export function functionField<F = (input: never) => unknown>(error?: string) {
  return z.custom<F>((value) => typeof value === 'function', error);
}

interface ParsedInput {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly isSecret: (option: PropertyKey | undefined, value: unknown) => boolean;
}

function describeIssue(issue: Issue, above: readonly PropertyKey[], parsed: ParsedInput): string[] {
  const { schema, value, isSecret } = parsed;
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const known = path.length === 0 && schema instanceof z.ZodObject ? Object.keys(schema.shape).sort() : [];
    const remedy = known.length > 0 ? `; the options are ${known.join(', ')}` : '';
    return issue.keys.map((key) => `${formatPath([...path, key])} is not an option${remedy}.`);
  }
  const branch = issue.code === 'invalid_union' ? issue.errors.find(isAttemptedBranch) : undefined;
  if (branch !== undefined) return branch.flatMap((inner) => describeIssue(inner, path, parsed));
  const given = path.reduce(readMember, value);
  const end = issue.message.endsWith('.') ? '' : '.';
  const text = isSecret(path[0], given) ? typeName(given) : formatValue(given);
  return [`${formatPath(path)} is ${text}; ${issue.message}${end}`];
}

/** Of the forms in a union, the one that the caller tried to write: its mistake is in one of its members. */
function isAttemptedBranch(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys');
}

/** The message of a schema that has none of its own. */
function defaultMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `it must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
    case 'invalid_value':
      return `it must be ${issue.values.map(formatValue).join(' or ')}`;
    case 'invalid_union':
      return `it must be one of its documented forms`;
    default:
      return undefined;
  }
}

function readMember(within: unknown, name: PropertyKey): unknown {
  return typeof within === 'object' && within !== null ? Reflect.get(within, name) : undefined;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the options argument' : path.map(String).join('.');
}

/** A value as messages show it: short, and without the password of a URL. */
function formatValue(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'missing';
    case 'string':
      return JSON.stringify(value.replace(/\/\/.*@/, '//***@').slice(0, 80));
    case 'function':
    case 'object':
      return typeName(value);
    default:
      return String(value);
  }
}

function typeName(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
