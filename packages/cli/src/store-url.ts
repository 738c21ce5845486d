// Which store a word of the command line means. No message repeats a URL, because it may contain a password.
import { existsSync } from 'node:fs';
import { parseRedisUrl } from '@onceguard/core/redis';
import { UsageError } from './usage-error.js';

type RedisAddress = NonNullable<ReturnType<typeof parseRedisUrl>>;

export type StoreUrl =
  | { readonly kind: 'redis'; readonly url: string; readonly address: RedisAddress }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'sqlite'; readonly path: string };

/** Throws a `UsageError`; `what` begins its sentence, such as `The URL of the store`. */
export function parseStoreUrl(text: string, what: string): StoreUrl {
  if (/^postgres(ql)?:/.test(text)) return { kind: 'postgres', url: parsePostgresUrl(text, what) };
  if (text.startsWith('sqlite:')) return { kind: 'sqlite', path: parseSqliteUrl(text, what) };
  if (/^rediss?:/.test(text)) {
    const address = parseRedisUrl(text);
    if (address !== null) return { kind: 'redis', url: text, address };
    throw new UsageError(
      `${what} must be redis://[user:password@]host[:port][/database], or rediss:// for TLS. ${encodingRule}`,
    );
  }
  if (isFilePath(text)) return { kind: 'sqlite', path: text };
  throw new UsageError(
    `${what} must be redis://…, rediss://…, postgres://…, or sqlite:… with the path of a file that exists.`,
  );
}

const encodingRule = 'Write special characters of a password URL-encoded, such as %40 for @.';

function parsePostgresUrl(text: string, what: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const parts = [url?.username, url?.password, url?.pathname];
  // Without a host, pg takes the rest for a socket, a database or a user.
  if (url?.hostname && url.hash === '' && /^(\/[^/]*)?$/.test(url.pathname) && parts.every(isDecodable)) return text;
  throw new UsageError(`${what} must be postgres://[user:password@]host[:port][/database]. ${encodingRule}`);
}

function isDecodable(part = ''): boolean {
  try {
    return decodeURIComponent(part) !== null;
  } catch {
    return false;
  }
}

/** `sqlite:records.db`, `sqlite:/var/lib/records.db` and `sqlite:///var/lib/records.db`. */
function parseSqliteUrl(text: string, what: string): string {
  const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (path !== '' && !path.startsWith('//') && path !== ':memory:') return path;
  throw new UsageError(`${what} must be sqlite: and the path of a file, such as sqlite:/var/lib/shop/onceguard.db.`);
}

function isFilePath(text: string): boolean {
  return text !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(text) && existsSync(text);
}
