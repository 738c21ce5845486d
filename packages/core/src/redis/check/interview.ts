// Asks a server questions, each within the store's deadline. A refusal is an answer too.
import { type Argument, type RedisClient, type RedisNode, send } from '../client.js';
import { withDeadline } from '../deadline.js';
import { lacksScript, storeFailure } from '../failure.js';
import { redacted } from '../redact.js';

export class Interview {
  /** What the user may not use, and what the server does not have: commands, keys. */
  readonly forbidden = new Set<string>();
  /** What else the server said that was no reply, such as `LOADING …`, `OOM …`: the first of it. */
  refusal: string | null = null;

  constructor(
    private readonly client: RedisClient,
    private readonly timeoutMs: number,
  ) {}

  /** The reply to a command such as `CONFIG GET`; undefined where it is refused. Throws a `StoreError` without an answer. */
  async ask(node: RedisNode, name: string, args: readonly Argument[] = []): Promise<unknown> {
    const [command = '', ...words] = name.split(' ');
    const silence = () => `Redis did not answer to ${name} within ${this.timeoutMs} ms.`;
    try {
      return await withDeadline(this.timeoutMs, silence, () => send(node, command, [...words, ...args]));
    } catch (error) {
      if (!isReply(error)) throw storeFailure(name, error, this.client);
      if (!lacksScript(error)) this.refused(name, error.message);
      return undefined;
    }
  }

  /** Takes note of what a server says to `name` in place of a reply. */
  refused(name: string, said: string): void {
    if (!forbidding.test(said)) this.refusal ??= redacted(said, this.client);
    else this.forbidden.add(/\baccess\b.*\bkeys?\b/.test(said) ? 'keys under the prefix' : redacted(name, this.client));
  }

  /** The reply to INFO or CLUSTER INFO, line by line; empty where it is refused. */
  async fields(node: RedisNode, name: string): Promise<ReadonlyMap<string, string>> {
    const fields = fieldsOf(await this.ask(node, name));
    return new Map([...fields].map(([field, value]) => [field, redacted(value, this.client)]));
  }
}

/** ioredis sets `command` on what a server replied. The name of such an error is `constructor.name`, which minifiers change. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && ('command' in error || error.name === 'ReplyError');
}

/** Said of a right that the user does not have, in the words of several versions, or of a command that there is not. */
const forbidding =
  /^(NOPERM|ERR ACL failure|ERR The user executing the script can't|ERR unknown (Redis |sub)?command)|: Unknown Redis command called/i;

/** The lines of INFO and the like, by name; none of what is no text. */
function fieldsOf(reply: unknown): ReadonlyMap<string, string> {
  const lines = Buffer.isBuffer(reply) ? reply.toString('latin1').split(/\r?\n/) : [];
  const pairs = lines.map((line) => /^(\w+):(.*)$/.exec(line)).filter((pair) => pair !== null);
  return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
}
