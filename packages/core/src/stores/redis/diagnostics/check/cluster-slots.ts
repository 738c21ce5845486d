// The 16384 slots of a cluster: which slot a key has (cluster specification, "Key distribution model" and "Hash tags"), and
// whether one address serves all slots.

export function hashSlot(key: string): number {
  const bytes = Buffer.from(/\{([^}]*)\}/.exec(key)?.[1] || key);
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return crc & 0x3fff;
}

const slotCount = 16_384;

/**
 * Takes the reply to CLUSTER SLOTS. True if one address serves all slots, as with a service that puts one endpoint before its
 * cluster: then a client for a single server reaches every key.
 */
export function hasSingleEndpoint(reply: unknown): boolean {
  const ranges = Array.isArray(reply) ? reply.filter((range) => Array.isArray(range)) : [];
  const count = ranges.reduce((sum: number, [first, last]) => sum + Number(last) - Number(first) + 1, 0);
  const masters = new Set(ranges.map(([, , master]) => (Array.isArray(master) ? `${master[0]}:${master[1]}` : '')));
  return count === slotCount && masters.size === 1;
}
