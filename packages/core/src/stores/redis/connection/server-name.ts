// How messages, findings and events name a server.
import { redactName } from './redact.js';
import type { RedisClientOptions } from './redis-client.js';

/** `host:port`, the path of a socket, or the name by which Sentinel knows the master. Without credentials. */
export function serverName({ options }: { readonly options: RedisClientOptions }): string {
  if (options.sentinels) return options.name ?? 'the master';
  return redactName(options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`);
}
