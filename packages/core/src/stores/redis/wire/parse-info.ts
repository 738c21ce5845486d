// Reads the reply to INFO or CLUSTER INFO: lines of `name:value`.

/** The fields by name. Empty if the reply is not text; a line of any other form is skipped. */
export function parseInfo(reply: unknown): ReadonlyMap<string, string> {
  const lines = Buffer.isBuffer(reply) ? reply.toString('latin1').split(/\r?\n/) : [];
  const pairs = lines.map((line) => /^(\w+):(.*)$/.exec(line)).filter((pair) => pair !== null);
  return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
}
