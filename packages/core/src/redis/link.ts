// The way to Redis: one script or command per call, within the store's deadline, failing only with a StoreError.
import { StoreError } from '../errors.js';
import { isClosed, type RedisClient, type RedisNode } from './client.js';
import { lacksScript, storeFailure } from './failure.js';
import { Reply } from './reply.js';
import type { Script } from './script.js';

type Argument = string | Buffer | number;

export class RedisLink {
  readonly #client: RedisClient;
  readonly #timeoutMs: number;
  #closed = false;

  constructor(client: RedisClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /** Runs the script on the record's two keys: by its digest, and with its text where Redis does not know that. */
  async run(verb: string, script: Script, key: string, args: readonly Argument[]): Promise<Reply> {
    const keysAndArgs = [2, key, `${key}:o`, ...args];
    const sent = async () => {
      try {
        return await this.#client.callBuffer('evalsha', [script.sha, ...keysAndArgs]);
      } catch (error) {
        if (!lacksScript(error)) throw error;
        return await this.#client.callBuffer('eval', [script.text, ...keysAndArgs]);
      }
    };
    return new Reply(verb, await this.#within(verb, sent));
  }

  /** Sends one command to one server. */
  async send(node: RedisNode, command: string, args: Argument[]): Promise<Reply> {
    return new Reply(command, await this.#within(command, () => node.callBuffer(command, args)));
  }

  /** All servers that hold records of their own. */
  masters(): readonly RedisNode[] {
    return this.#client.nodes?.('master') ?? [this.#client];
  }

  /** What the client puts before every key by itself. */
  get keyPrefix(): string {
    return this.#client.options.keyPrefix ?? '';
  }

  close(): void {
    this.#closed = true;
  }

  async #within(call: string, send: () => Promise<unknown>): Promise<unknown> {
    this.#checkOpen();
    try {
      return await withDeadline(call, this.#timeoutMs, send());
    } catch (error) {
      throw storeFailure(call, error);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('misconfigured', 'This store is closed. Close it last, after the server.');
    if (!isClosed(this.#client)) return;
    const remedy =
      'Give RedisStore a client that stays open, and close the client after everything that uses the store.';
    throw new StoreError('misconfigured', `The Redis client is closed. ${remedy}`);
  }
}

/** Nothing that a client does, or fails to do, makes a call last longer. What it says later is not listened to. */
function withDeadline(call: string, ms: number, reply: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new StoreError('unknown', `Redis did not answer to ${call} within ${ms} ms.`));
    const timer = setTimeout(late, ms).unref();
    reply.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
