// Executes scripts and commands: each within the store's deadline, and failing only with a StoreError.
import { StoreError } from '../../../errors.js';
import { startDeadline, unref } from '../../../timers.js';
import type { CommandArgument } from '../wire/command-argument.js';
import { type LuaScript, type ScriptCall, withText } from '../wire/lua-script.js';
import { ReplyReader } from '../wire/reply-reader.js';
import type { RecordKeys } from '../wire/scripts/record-layout.js';
import { isUnknownScript, toStoreError } from './classify-error.js';
import type { ClientObserver } from './client-observer.js';
import { CommandBatcher, callBack, type ReplyCallback } from './command-batcher.js';
import { redact } from './redact.js';
import { isClosed, mastersOf, type RedisClient, type RedisNode, send } from './redis-client.js';
import { type Durability, runScriptAndWait } from './replication-wait.js';

const storeClosedMessage = 'This store is closed. Close it last, after the server.';
const clientClosedMessage =
  'The Redis client is closed. Give RedisStore a client that stays open, and close the client after everything that uses the store.';

export interface ExecutorOptions {
  readonly callTimeoutMs: number;
  /** Null: the master's reply is enough. */
  readonly durability: Durability | null;
}

/** Why no more calls can be made, and since when that is known (milliseconds since 1970). */
export interface Closure {
  readonly reason: string;
  readonly since: number;
}

export class CommandExecutor {
  readonly #batcher: CommandBatcher;
  #closed = false;
  #closedAt: number | null = null;

  constructor(
    readonly client: RedisClient,
    private readonly options: ExecutorOptions,
    private readonly observer: ClientObserver,
  ) {
    this.#batcher = new CommandBatcher(client);
  }

  /** Null while both the store and the client are open. */
  get closure(): Closure | null {
    if (!this.#closed && !isClosed(this.client)) return null;
    this.#closedAt ??= Date.now();
    return { reason: this.#closed ? storeClosedMessage : clientClosedMessage, since: this.#closedAt };
  }

  /** Runs the script on the keys of a record, and decodes its reply. `isDurable`: with `durability`, it counts only after replicas have confirmed. */
  runScript<Reply>(
    verb: string,
    script: LuaScript,
    { record, side, index }: RecordKeys,
    args: readonly CommandArgument[],
    isDurable: boolean,
    decode: (reply: ReplyReader) => Reply,
  ): Promise<Reply> {
    const { durability, callTimeoutMs } = this.options;
    const call: ScriptCall = [script.sha1, 3, record, side, index];
    // The list grows once. Node has no fast way to spread or to join lists of texts and numbers.
    for (const arg of args) call.push(arg);
    if (!isDurable || durability === null)
      return this.#runWithDeadline(verb, (callback) => this.#evaluateScript(script, call, callback), decode);
    const deadlineAt = performance.now() + callTimeoutMs;
    const evaluate = (callback: ReplyCallback) => {
      this.#batcher.flush();
      callBack(() => runScriptAndWait(this.client, durability, script, call, deadlineAt), callback);
    };
    return this.#runWithDeadline(verb, evaluate, decode);
  }

  /** Sends one command to one server. */
  runCommand(node: RedisNode, command: string, args: CommandArgument[]): Promise<ReplyReader> {
    return this.#runWithDeadline(command, (callback) => callBack(() => send(node, command, args), callback), asItIs);
  }

  /** Runs the script on keys of several records. */
  runMultiKeyScript(verb: string, script: LuaScript, keys: readonly string[]): Promise<ReplyReader> {
    const call: ScriptCall = [script.sha1, keys.length, ...keys];
    return this.#runWithDeadline(verb, (callback) => this.#evaluateScript(script, call, callback), asItIs);
  }

  /** Sends one command, in a cluster to the server of its first argument, the key. */
  runKeyCommand(command: string, args: CommandArgument[]): Promise<ReplyReader> {
    return this.#runWithDeadline(command, (callback) => this.#batcher.send(command, args, callback), asItIs);
  }

  masters(): readonly RedisNode[] {
    return mastersOf(this.client);
  }

  /** The prefix that the client itself adds to every key. */
  get keyPrefix(): string {
    return this.client.options.keyPrefix ?? '';
  }

  /** Sends the pending commands. Later calls fail. */
  close(): void {
    this.#batcher.flush();
    this.#closedAt ??= Date.now();
    this.#closed = true;
  }

  /** Sends the script's digest, and its text if Redis does not know the digest. */
  #evaluateScript(script: LuaScript, call: ScriptCall, callback: ReplyCallback): void {
    this.#batcher.send('evalsha', call, (error, reply) => {
      if (error && isUnknownScript(error)) this.#batcher.send('eval', withText(script, call), callback);
      else callback(error, reply);
    });
  }

  /** Throws if nothing can be sent. `send` calls back once. One promise for all of it, because every request runs it twice. */
  #runWithDeadline<Reply>(
    call: string,
    send: (callback: ReplyCallback) => void,
    decode: (reply: ReplyReader) => Reply,
  ): Promise<Reply> {
    this.#assertUsable();
    const { callTimeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const settle: ReplyCallback = (error, reply) => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        try {
          resolve(decode(this.#readReply(call, error, reply)));
        } catch (failure) {
          reject(failure);
        }
      };
      const timer = unref(startDeadline(callTimeoutMs, () => settle(this.#timeoutError(call), null)));
      send(settle);
    });
  }

  /** Throws the `StoreError` that describes `error`, if there is one. */
  #readReply(call: string, error: Error | null | undefined, reply: unknown): ReplyReader {
    const failure = error ? toStoreError(call, error, this.client) : null;
    if (failure !== null && !failure.unreadable) this.observer.onCallFailed(failure);
    else this.observer.onReply();
    if (failure !== null) throw failure;
    return new ReplyReader(call, reply, this.#redact);
  }

  #timeoutError(call: string): StoreError {
    const { callTimeoutMs } = this.options;
    return new StoreError(
      'unknown',
      `Redis did not reply to ${call} within ${callTimeoutMs} ms${this.#causeSuffix()}.`,
    );
  }

  readonly #redact = (text: string): string => redact(text, this.client);

  /**
   * A call that cannot be sent fails at once, and nothing was executed. A client with an offline queue may queue the call.
   */
  #assertUsable(): void {
    const { closure } = this;
    if (closure !== null) throw new StoreError('misconfigured', closure.reason);
    const { status, options } = this.client;
    const isConnected = status === 'ready' || status === 'wait';
    if (isConnected && this.observer.databaseFailure === null) return;
    if (!isConnected) this.observer.diagnoseInBackground();
    if (options.enableOfflineQueue !== false) return;
    const storeClass = this.observer.failure?.class ?? 'unavailable';
    const error = new StoreError(storeClass, `Redis is not connected${this.#causeSuffix()}.`);
    this.observer.onCallFailed(error);
    throw error;
  }

  #causeSuffix(): string {
    if (this.client.status === 'ready' && this.observer.databaseFailure === null) return '';
    const cause = this.observer.failure?.message ?? 'the connection was lost, or is still being established';
    return `: ${cause.replace(/\.$/, '')}`;
  }
}

const asItIs = (reply: ReplyReader): ReplyReader => reply;
