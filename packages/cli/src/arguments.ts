// Reads the words of a command: Node's parseArgs, with messages that say what to write instead.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './usage-error.js';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Options that every command has. */
type CommonOptions = { readonly help: { readonly type: 'boolean'; readonly short: 'h' } };

type Parsed<Own extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Own & CommonOptions; allowPositionals: true }>
>;

/** Throws a `UsageError` that names the mistake, with the usage below. */
export function parseCommand<const Own extends Options>(
  args: readonly string[],
  options: Own,
  usage: string,
): Parsed<Own> {
  try {
    const all = { ...options, help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args: withNamesLast(args), options: all, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

/** The name of a record may begin with a hyphen, and must not be taken for options then. */
const hyphenNamePattern = /^-[\w-]{42}$/;

function withNamesLast(args: readonly string[]): string[] {
  const names = args.filter((word) => hyphenNamePattern.test(word));
  if (names.length === 0 || args.includes('--')) return [...args];
  return [...args.filter((word) => !names.includes(word)), '--', ...names];
}

/** Such as `30s`, `10m`, `2h`, `7d`, in milliseconds. */
export function parseDuration(option: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
  if (unitMs === undefined) throw new UsageError(`${option} must be a time such as 30s, 10m, 2h or 7d.`);
  return Number(digits) * unitMs;
}

export function requireText(option: string, value: string | undefined, example: string): string {
  if (value !== undefined && value.trim() !== '') return value;
  throw new UsageError(`${option} is missing: write ${option} ${example}.`);
}
