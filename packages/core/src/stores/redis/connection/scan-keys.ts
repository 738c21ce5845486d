// A page of record names, by SCAN on one server after the other.
import { StoreError } from '../../../errors.js';
import type { ScanRequest } from '../../../store/port.js';
import { ReplyReader } from '../wire/reply-reader.js';
import type { CommandExecutor } from './command-executor.js';
import type { RedisNode } from './redis-client.js';

export interface KeyPage {
  /** The clock of the server that was asked. */
  readonly now: number;
  readonly keys: readonly string[];
  readonly cursor: string | null;
}

/**
 * The names under `prefix`, without prefix and braces. A cursor is `server cursor`: the server by name, since servers
 * come and go between two pages; one that went is followed by the next in order.
 */
export async function scanKeys(link: CommandExecutor, prefix: string, request: ScanRequest): Promise<KeyPage> {
  const servers = [...link.masters()].sort((a, b) => (serverAddress(a) < serverAddress(b) ? -1 : 1));
  const now = await readServerClock(link, servers[0]);
  const { last, position } = parseCursor(request.cursor);
  const at = servers.findIndex((server) => serverAddress(server) >= last);
  const server = servers[at];
  if (server === undefined) return { now, keys: [], cursor: null };
  const from = serverAddress(server) === last ? position : '0';
  const begin = `${link.keyPrefix}${prefix}{`;
  const reply = await link.runCommand(server, 'scan', [
    from,
    'MATCH',
    `${escapePattern(begin)}*}`,
    'COUNT',
    request.limit,
  ]);
  const next = reply.readText();
  const names = new ReplyReader('scan', reply.readList());
  const keys: string[] = [];
  while (names.hasMore) keys.push(names.readText().slice(begin.length, -1));
  if (next !== '0') return { now, keys, cursor: `${serverAddress(server)} ${next}` };
  const following = servers[at + 1];
  return { now, keys, cursor: following === undefined ? null : `${serverAddress(following)} 0` };
}

async function readServerClock(link: CommandExecutor, server: RedisNode | undefined): Promise<number> {
  if (server === undefined) throw new StoreError('unavailable', 'The cluster client knows no master yet.');
  const time = await link.runCommand(server, 'time', []);
  return time.readNumber() * 1_000 + Math.floor(time.readNumber() / 1_000);
}

function parseCursor(cursor: string | null): { last: string; position: string } {
  if (cursor === null) return { last: '', position: '0' };
  const [, last, position] = /^(\S*) (\d{1,20})$/.exec(cursor) ?? [];
  if (last !== undefined && position !== undefined) return { last, position };
  throw new StoreError('bug', `cursor is ${JSON.stringify(cursor.slice(0, 64))}; it must be one that scan answered.`);
}

function serverAddress(server: RedisNode): string {
  return `${server.options.host ?? ''}:${server.options.port ?? ''}`;
}

function escapePattern(text: string): string {
  return text.replace(/[*?[\]\\^]/g, '\\$&');
}
