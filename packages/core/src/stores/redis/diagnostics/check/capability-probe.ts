// Asks a server questions, each within the store's deadline. A refusal is an answer too.

import { isUnknownScript, toStoreError } from '../../connection/classify-error.js';
import { withDeadline } from '../../connection/deadline.js';
import { redact } from '../../connection/redact.js';
import { type CommandArgument, type RedisClient, type RedisNode, send } from '../../connection/redis-client.js';

export class CapabilityProbe {
  /** What the user may not use, and what the server does not have: commands, keys. */
  readonly denied = new Set<string>();
  /** What else the server said that was no reply, such as `LOADING …`, `OOM …`: the first of it. */
  firstError: string | null = null;

  constructor(
    private readonly client: RedisClient,
    private readonly timeoutMs: number,
  ) {}

  /** The reply to a command such as `CONFIG GET`; undefined where it is refused. Throws a `StoreError` without an answer. */
  async query(node: RedisNode, name: string, args: readonly CommandArgument[] = []): Promise<unknown> {
    const [command = '', ...words] = name.split(' ');
    const silence = () => `Redis did not answer to ${name} within ${this.timeoutMs} ms.`;
    try {
      return await withDeadline(this.timeoutMs, silence, () => send(node, command, [...words, ...args]));
    } catch (error) {
      if (!isServerReply(error)) throw toStoreError(name, error, this.client);
      if (!isUnknownScript(error)) this.recordRefusal(name, error.message);
      return undefined;
    }
  }

  /** Takes note of what a server says to `name` in place of a reply. */
  recordRefusal(name: string, said: string): void {
    if (!deniedPattern.test(said)) this.firstError ??= redact(said, this.client);
    else this.denied.add(/\baccess\b.*\bkeys?\b/.test(said) ? 'keys under the prefix' : redact(name, this.client));
  }

  /** The reply to INFO or CLUSTER INFO, line by line; empty where it is refused. */
  async queryFields(node: RedisNode, name: string): Promise<ReadonlyMap<string, string>> {
    const fields = parseFields(await this.query(node, name));
    return new Map([...fields].map(([field, value]) => [field, redact(value, this.client)]));
  }
}

/** ioredis sets `command` on what a server replied. The name of such an error is `constructor.name`, which minifiers change. */
function isServerReply(error: unknown): error is Error {
  return error instanceof Error && ('command' in error || error.name === 'ReplyError');
}

/** Said of a right that the user does not have, in the words of several versions, or of a command that there is not. */
const deniedPattern =
  /^(NOPERM|ERR ACL failure|ERR The user executing the script can't|ERR unknown (Redis |sub)?command)|: Unknown Redis command called/i;

/** The lines of INFO and the like, by name; none of what is no text. */
function parseFields(reply: unknown): ReadonlyMap<string, string> {
  const lines = Buffer.isBuffer(reply) ? reply.toString('latin1').split(/\r?\n/) : [];
  const pairs = lines.map((line) => /^(\w+):(.*)$/.exec(line)).filter((pair) => pair !== null);
  return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
}
