// Queries a server, each query within the store's deadline, and collects the commands that it refuses.

import { withDeadline } from '../../../deadline.js';
import { isUnknownScript, toStoreError } from '../../connection/classify-error.js';
import { redact } from '../../connection/redact.js';
import { type RedisClient, type RedisNode, send } from '../../connection/redis-client.js';
import type { CommandArgument } from '../../wire/command-argument.js';
import { parseInfo } from '../../wire/parse-info.js';
import { ReplyReader } from '../../wire/reply-reader.js';

export class CapabilityProbe {
  /** Commands that the user may not use or the server does not have, and `keys under the prefix`. */
  readonly denied = new Set<string>();
  /** The first other error of the server, such as `LOADING …` or `OOM …`. */
  firstError: string | null = null;

  constructor(
    private readonly client: RedisClient,
    private readonly node: RedisNode,
    private readonly timeoutMs: number,
  ) {}

  /**
   * Queries the server with a command such as `CONFIG GET`. Undefined: it refused. Rejects with a `StoreError` if it does not
   * reply.
   */
  query(name: string, args: readonly CommandArgument[] = []): Promise<unknown> {
    return this.#query(this.node, name, args);
  }

  /** The same by way of the client, which in a cluster sends the command to the server of its key. */
  queryByKey(name: string, args: readonly CommandArgument[]): Promise<unknown> {
    return this.#query(this.client, name, args);
  }

  /** The fields of the reply to INFO or CLUSTER INFO; empty if the server refused. */
  async queryFields(name: string): Promise<ReadonlyMap<string, string>> {
    const fields = parseInfo(await this.query(name));
    return new Map([...fields].map(([field, value]) => [field, redact(value, this.client)]));
  }

  readerOf(name: string, reply: unknown): ReplyReader {
    return new ReplyReader(name, reply, (text) => redact(text, this.client));
  }

  /** Records the error that a server returned for the command `name`. */
  recordRefusal(name: string, error: string): void {
    if (!deniedPattern.test(error)) this.firstError ??= redact(error, this.client);
    else this.denied.add(/\baccess\b.*\bkeys?\b/.test(error) ? 'keys under the prefix' : redact(name, this.client));
  }

  async #query(target: RedisNode, name: string, args: readonly CommandArgument[]): Promise<unknown> {
    const [command = '', ...words] = name.split(' ');
    const timeoutMessage = () => `Redis did not reply to ${name} within ${this.timeoutMs} ms.`;
    try {
      return await withDeadline(this.timeoutMs, timeoutMessage, () => send(target, command, [...words, ...args]));
    } catch (error) {
      if (!isServerReply(error)) throw toStoreError(name, error, this.client);
      if (!isUnknownScript(error)) this.recordRefusal(name, error.message);
      return undefined;
    }
  }
}

/** ioredis sets `command` on an error that the server replied. Its `name` is `constructor.name`, which minifiers change. */
function isServerReply(error: unknown): error is Error {
  return error instanceof Error && ('command' in error || error.name === 'ReplyError');
}

/** A missing right, in the words of several versions, or a command that does not exist. */
const deniedPattern =
  /^(NOPERM|ERR ACL failure|ERR The user executing the script can't|ERR unknown (Redis |sub)?command)|: Unknown Redis command called/i;
