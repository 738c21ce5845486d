// Parses the usual URL of a Redis: redis://user:password@host:port/database.

/** The parts of such a URL. */
export interface RedisUrl {
  readonly host: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  /** The scheme is `rediss://`. */
  readonly isTls: boolean;
}

/**
 * Returns only what the text contains, without defaults. Null: it is not such a URL, has a query, or is not URL-encoded.
 *
 * @example
 * const address = parseRedisUrl('rediss://store:secret@redis.internal:6380/2');
 */
export function parseRedisUrl(text: string): RedisUrl | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^rediss?:$/.test(url.protocol) || !/^\/?\d{0,9}$/.test(url.pathname)) return null;
  const [username, password] = [decodeOrNull(url.username), decodeOrNull(url.password)];
  if (!url.hostname || /[?#]/.test(text) || username === null || password === null) return null;
  const database = url.pathname.slice(1);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port && { port: Number(url.port) }),
    ...(username && { username }),
    ...(password && { password }),
    ...(database && { db: Number(database) }),
    isTls: url.protocol === 'rediss:',
  };
}

/** Null: the text is not URL-encoded. */
function decodeOrNull(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
