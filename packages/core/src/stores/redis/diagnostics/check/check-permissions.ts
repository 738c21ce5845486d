// Checks whether the user may run the store's scripts: runs a script that tries each of their commands and leaves no key.
import { defineScript } from '../../wire/lua-script.js';
import { type RecordKeys, recordKeys, recordTags } from '../../wire/scripts/record-layout.js';
import { hashSlot } from './cluster-slots.js';
import type { ServerCheck } from './server-check.js';

/**
 * KEYS: 1 a record that does not exist, 2 its side key, 3 an index.
 * Reply: each command that was refused, followed by the error.
 * A full server refuses only the first write of a script, so the first write is a SET. PEXPIREAT with a time in the past
 * deletes what SET wrote, even if the user may not use DEL. The script writes values without an expiry only if the user may
 * use DEL.
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
try('PEXPIREAT', KEYS[1], '1')
try('HDEL', KEYS[2], 'step')
try('ZRANGEBYSCORE', KEYS[3], '0', '1')
try('PTTL', KEYS[3])
try('PEXPIRE', KEYS[3], '1')
try('ZADD', KEYS[3], 'XX', '0', 'name')
try('ZREM', KEYS[3], 'name')
if try('DEL', KEYS[1], KEYS[2]) then
  try('APPEND', KEYS[1], '')
  try('HSET', KEYS[2], 'step', '')
  redis.call('DEL', KEYS[1], KEYS[2])
end
return refused
`);

/** Records every refused command in the probe. Does nothing if the server has no slot for a key. */
export async function checkPermissions(check: ServerCheck): Promise<void> {
  const { probe } = check;
  const found = await findKeysOnServer(check);
  if (found === null) return;
  const keys = [3, found.record, found.side, found.index];
  // The store needs both commands: it sends the text of a script if the server does not know its digest.
  await probe.queryByKey('EVALSHA', [permissionsScript.sha1, ...keys]);
  const reply = await probe.queryByKey('EVAL', [permissionsScript.text, ...keys]);
  if (reply === undefined) return;
  const refused = probe.readerOf('EVAL', reply);
  while (refused.hasMore) probe.recordRefusal(refused.readText(), refused.readText());
}

/** Finds the keys of a record, with the prefix, whose slot is on this server. Null if it serves none. */
async function findKeysOnServer({ client, node, probe, options }: ServerCheck): Promise<RecordKeys | null> {
  const { prefix } = options;
  if (client === node) return recordKeys(prefix, 'check');
  const ranges = parseOwnSlots(await probe.query('CLUSTER NODES'));
  if (ranges.length === 0) return null;
  for (const tag of recordTags()) {
    const keys = recordKeys(prefix, `${tag}-check`);
    const slot = hashSlot(`${client.options.keyPrefix ?? ''}${keys.record}`);
    if (ranges.some(([first, last]) => first <= slot && slot <= last)) return keys;
  }
  return null;
}

/** Reads the slots of the server that replied, from its line `… myself,master … connected 0-5460 5462 [5461->-…]`. */
function parseOwnSlots(reply: unknown): [first: number, last: number][] {
  const lines = Buffer.isBuffer(reply) ? reply.toString('latin1').split('\n') : [];
  const ownLine = lines.find((line) => line.split(' ')[2]?.includes('myself')) ?? '';
  return ownLine
    .split(' ')
    .slice(8)
    .map((part) => /^(\d+)(?:-(\d+))?$/.exec(part))
    .filter((range) => range !== null)
    .map(([, first, last]) => [Number(first), Number(last ?? first)]);
}
