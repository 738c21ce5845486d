// Whether the store's scripts may run and write: a script that tries each command that they use, and leaves nothing.
import type { RedisClient, RedisNode } from '../../connection/redis-client.js';
import { defineScript } from '../../wire/lua-script.js';
import { ReplyReader } from '../../wire/reply-reader.js';
import { sideKey } from '../../wire/scripts/record-fragments.js';
import type { CapabilityProbe } from './capability-probe.js';
import { hashSlot } from './cluster-slots.js';

/**
 * KEYS: a record that does not exist, and what would lie beside it.
 * Reply: each command that was refused, with what was said.
 * A full server refuses the first write of a script only, hence SET is the first, and what it writes ends at once. What would stay is written only by who may delete it.
 */
export const permissionsScript = defineScript(`
local refused = {}
local function try(command, ...)
  local reply = redis.pcall(command, ...)
  local isRefused = type(reply) == 'table' and reply.err
  if isRefused then
    refused[#refused + 1] = command
    refused[#refused + 1] = reply.err
  end
  return not isRefused
end
try('TIME')
try('EXISTS', KEYS[1])
try('GET', KEYS[1])
try('HGET', KEYS[2], 'step')
try('HGETALL', KEYS[2])
try('SET', KEYS[1], '', 'PX', '1')
try('HDEL', KEYS[2], 'step')
if try('DEL', KEYS[1], KEYS[2]) then
  try('APPEND', KEYS[1], '')
  try('HSET', KEYS[2], 'step', '')
  try('PEXPIREAT', KEYS[2], '1')
  redis.call('DEL', KEYS[1], KEYS[2])
end
return refused
`);

/** Has the interview take note of what is refused. Does nothing where the server has no slot for a key. */
export async function checkPermissions(
  interview: CapabilityProbe,
  client: RedisClient,
  node: RedisNode,
  prefix: string,
): Promise<void> {
  const key = await findKeyOnServer(interview, client, node, prefix);
  if (key === null) return;
  const keys = [2, key, sideKey(key)];
  // Both are needed: a server that does not know a script by its digest is sent its text.
  await interview.query(client, 'EVALSHA', [permissionsScript.sha1, ...keys]);
  const reply = await interview.query(client, 'EVAL', [permissionsScript.text, ...keys]);
  if (reply === undefined) return;
  const refused = new ReplyReader('EVAL', reply);
  while (refused.hasMore) interview.recordRefusal(refused.readText(), refused.readText());
}

/** A key under the prefix that lies on this server. */
async function findKeyOnServer(
  interview: CapabilityProbe,
  client: RedisClient,
  node: RedisNode,
  prefix: string,
): Promise<string | null> {
  if (client === node) return `${prefix}{check}`;
  const ranges = parseOwnSlots(await interview.query(node, 'CLUSTER NODES'));
  if (ranges.length === 0) return null;
  for (let trial = 0; trial < 100_000; trial += 1) {
    const key = `${prefix}{check-${trial}}`;
    const slot = hashSlot(`${client.options.keyPrefix ?? ''}${key}`);
    if (ranges.some(([first, last]) => first <= slot && slot <= last)) return key;
  }
  return null;
}

/** The slots of the server that answered: the line `… myself,master … connected 0-5460 5462 [5461->-…]`. */
function parseOwnSlots(nodes: unknown): [first: number, last: number][] {
  const lines = Buffer.isBuffer(nodes) ? nodes.toString('latin1').split('\n') : [];
  const own = lines.find((line) => line.split(' ')[2]?.includes('myself')) ?? '';
  return own
    .split(' ')
    .slice(8)
    .map((part) => /^(\d+)(?:-(\d+))?$/.exec(part))
    .filter((range) => range !== null)
    .map(([, first, last]) => [Number(first), Number(last ?? first)]);
}
