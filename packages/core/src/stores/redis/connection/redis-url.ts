// The address of a Redis as people write it: redis://user:password@host:port/database.

export interface RedisUrl {
  readonly host: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  /** `rediss://` */
  readonly isTls: boolean;
}

/** Only what the text says. Null where it is no such address, has a query, or is not encoded as a URL has to be. */
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

/** Null: it is not encoded as in an address. */
function decodeOrNull(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
