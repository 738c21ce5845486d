// A page of record names, by SCAN on one server after the other.
import { StoreError } from '../errors.js';
import type { ScanRequest } from '../store/port.js';
import type { RedisNode } from './client.js';
import type { RedisLink } from './link.js';
import { Reply } from './reply.js';

export interface NamePage {
  /** The clock of the server that was asked. */
  readonly now: number;
  readonly keys: readonly string[];
  readonly cursor: string | null;
}

/**
 * The names under `prefix`, without prefix and braces. A cursor is `server cursor`: the server by name, since servers
 * come and go between two pages; one that went is followed by the next in order.
 */
export async function scanNames(link: RedisLink, prefix: string, request: ScanRequest): Promise<NamePage> {
  const servers = [...link.masters()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const now = await clock(link, servers[0]);
  const { last, position } = parsed(request.cursor);
  const at = servers.findIndex((server) => nameOf(server) >= last);
  const server = servers[at];
  if (server === undefined) return { now, keys: [], cursor: null };
  const from = nameOf(server) === last ? position : '0';
  const begin = `${link.keyPrefix}${prefix}{`;
  const reply = await link.ask(server, 'scan', [from, 'MATCH', `${escaped(begin)}*}`, 'COUNT', request.limit]);
  const next = reply.text();
  const names = new Reply('scan', reply.list());
  const keys: string[] = [];
  while (names.hasMore) keys.push(names.text().slice(begin.length, -1));
  if (next !== '0') return { now, keys, cursor: `${nameOf(server)} ${next}` };
  const following = servers[at + 1];
  return { now, keys, cursor: following === undefined ? null : `${nameOf(following)} 0` };
}

async function clock(link: RedisLink, server: RedisNode | undefined): Promise<number> {
  if (server === undefined) throw new StoreError('unavailable', 'The cluster client knows no master yet.');
  const time = await link.ask(server, 'time', []);
  return time.number() * 1_000 + Math.floor(time.number() / 1_000);
}

function parsed(cursor: string | null): { last: string; position: string } {
  if (cursor === null) return { last: '', position: '0' };
  const [, last, position] = /^(\S*) (\d{1,20})$/.exec(cursor) ?? [];
  if (last !== undefined && position !== undefined) return { last, position };
  throw new StoreError('bug', `cursor is ${JSON.stringify(cursor.slice(0, 64))}; it must be one that scan answered.`);
}

function nameOf(server: RedisNode): string {
  return `${server.options.host ?? ''}:${server.options.port ?? ''}`;
}

function escaped(text: string): string {
  return text.replace(/[*?[\]\\^]/g, '\\$&');
}
