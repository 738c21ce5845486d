// Reads a page of record keys with SCAN, one server after the other.
import { StoreError } from '../../../errors.js';
import { isKey } from '../../../protocol/argument-checks.js';
import type { ScanRequest } from '../../../store/port.js';
import { isCompanionName, parseRecordName } from '../wire/scripts/record-layout.js';
import type { CommandExecutor } from './command-executor.js';
import type { RedisNode } from './redis-client.js';

export interface KeyPage {
  /** The clock of the first server. */
  readonly now: number;
  readonly keys: readonly string[];
  /** How many names were found that cannot be keys of records. */
  readonly invalidKeys: number;
  readonly cursor: string | null;
}

/**
 * Returns the keys of records, without the prefix and the hash tag. A cursor is `server position`. It names the server, because servers come
 * and go between two pages. If that server is gone, the scan continues with the next one in order.
 */
export async function scanKeys(executor: CommandExecutor, prefix: string, request: ScanRequest): Promise<KeyPage> {
  const servers = [...executor.masters()].sort((a, b) => (serverAddress(a) < serverAddress(b) ? -1 : 1));
  const now = await readServerClock(executor, servers[0]);
  const { address, position } = parseCursor(request.cursor);
  const index = servers.findIndex((server) => serverAddress(server) >= address);
  const server = servers[index];
  if (server === undefined) return { now, keys: [], invalidKeys: 0, cursor: null };
  const from = serverAddress(server) === address ? position : '0';
  const beginning = `${executor.keyPrefix}${prefix}`;
  const reply = await executor.runCommand(server, 'scan', [
    from,
    'MATCH',
    `${escapePattern(beginning)}{*}*`,
    'COUNT',
    request.limit,
  ]);
  const next = reply.readText();
  const names = reply.readList();
  const found: (string | null)[] = [];
  while (names.hasMore) {
    const name = names.readText().slice(beginning.length);
    if (!isCompanionName(name)) found.push(parseRecordName(name));
  }
  const keys = found.flatMap((key) => (key !== null && isKey(key) ? [key] : []));
  const page = { now, keys, invalidKeys: found.length - keys.length };
  if (next !== '0') return { ...page, cursor: `${serverAddress(server)} ${next}` };
  const nextServer = servers[index + 1];
  return { ...page, cursor: nextServer === undefined ? null : `${serverAddress(nextServer)} 0` };
}

export async function readServerClock(executor: CommandExecutor, server: RedisNode | undefined): Promise<number> {
  if (server === undefined) throw new StoreError('unavailable', 'The cluster client knows no master yet.');
  const time = await executor.runCommand(server, 'time', []);
  return time.readNumber() * 1_000 + Math.floor(time.readNumber() / 1_000);
}

function parseCursor(cursor: string | null): { readonly address: string; readonly position: string } {
  if (cursor === null) return { address: '', position: '0' };
  const [, address, position] = /^(\S*) (\d{1,20})$/.exec(cursor) ?? [];
  if (address !== undefined && position !== undefined) return { address, position };
  throw new StoreError('bug', `cursor is ${JSON.stringify(cursor.slice(0, 64))}; it must be one that scan returned.`);
}

function serverAddress(server: RedisNode): string {
  return `${server.options.host ?? ''}:${server.options.port ?? ''}`;
}

/** Escapes the wildcards of MATCH. */
function escapePattern(text: string): string {
  return text.replace(/[*?[\]\\^]/g, '\\$&');
}
