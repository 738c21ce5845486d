// In which of a cluster's 16384 slots a key lies: the cluster specification, "Key distribution model" and "Hash tags".

export function slotOf(key: string): number {
  const bytes = Buffer.from(/\{([^}]*)\}/.exec(key)?.[1] || key);
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return crc & 0x3fff;
}
