// The way to Redis: one script or command per call, within the store's deadline, failing only with a StoreError.
import { StoreError } from '../../../errors.js';
import { ClientMonitor } from '../diagnostics/client-monitor.js';
import type { RedisHealth } from '../diagnostics/health.js';
import type { LuaScript } from '../wire/lua-script.js';
import { ReplyReader } from '../wire/reply-reader.js';
import { sideKey } from '../wire/scripts/record-fragments.js';
import { isUnknownScript, toStoreError } from './classify-error.js';
import { CommandBatcher } from './command-batcher.js';
import { withDeadline } from './deadline.js';
import { type CommandArgument, isClosed, mastersOf, type RedisClient, type RedisNode, send } from './redis-client.js';
import { type Durability, runScriptAndWait } from './replication-wait.js';

const storeClosedMessage = 'This store is closed. Close it last, after the server.';
const clientClosedMessage =
  'The Redis client is closed. Give RedisStore a client that stays open, and close the client after everything that uses the store.';

export interface ExecutorOptions {
  readonly storeName: string;
  readonly callTimeoutMs: number;
  /** Null: an answer of the master is enough. */
  readonly durability: Durability | null;
}

export class CommandExecutor {
  readonly #monitor: ClientMonitor;
  readonly #batcher: CommandBatcher;
  #closed = false;
  /** When it was first known that the store or the client is closed. */
  #closedAt: number | null = null;

  constructor(
    readonly client: RedisClient,
    private readonly options: ExecutorOptions,
    check: () => Promise<void>,
  ) {
    this.#monitor = ClientMonitor.forClient(client);
    this.#monitor.addStore(options.storeName, check);
    this.#batcher = new CommandBatcher(client);
  }

  /** Neither the store nor the client has been closed. */
  get isOpen(): boolean {
    return !this.#closed && !isClosed(this.client);
  }

  get health(): RedisHealth {
    if (this.isOpen) return this.#monitor.health;
    this.#closedAt ??= Date.now();
    return {
      state: 'closed',
      lastError: this.#closed ? storeClosedMessage : clientClosedMessage,
      since: this.#closedAt,
    };
  }

  /** Runs the script on the record's key and the one beside it. */
  runScript(verb: string, script: LuaScript, key: string, args: readonly CommandArgument[]): Promise<ReplyReader> {
    return this.#runWithDeadline(verb, () =>
      this.#evaluateScript(script, [script.sha1, 2, key, sideKey(key), ...args]),
    );
  }

  /** The same for what must not be lost with one server: where the options ask for it, replicas have it too. */
  runScriptDurably(
    verb: string,
    script: LuaScript,
    key: string,
    args: readonly CommandArgument[],
  ): Promise<ReplyReader> {
    const { durability, callTimeoutMs } = this.options;
    if (durability === null) return this.runScript(verb, script, key, args);
    const endsAt = performance.now() + callTimeoutMs;
    const sent = () => {
      this.#batcher.flush();
      return runScriptAndWait(this.client, durability, script, [2, key, sideKey(key), ...args], endsAt);
    };
    return this.#runWithDeadline(verb, sent);
  }

  /** Sends one command to one server. */
  runCommand(node: RedisNode, command: string, args: CommandArgument[]): Promise<ReplyReader> {
    return this.#runWithDeadline(command, () => send(node, command, args));
  }

  masters(): readonly RedisNode[] {
    return mastersOf(this.client);
  }

  /** What the client puts before every key by itself. */
  get keyPrefix(): string {
    return this.client.options.keyPrefix ?? '';
  }

  close(): void {
    if (!this.#closed) this.#monitor.removeStore(this.options.storeName);
    this.#batcher.flush();
    this.#closedAt ??= Date.now();
    this.#closed = true;
  }

  /** By its digest, and with its text where Redis does not know that. */
  #evaluateScript(script: LuaScript, call: CommandArgument[]): Promise<unknown> {
    return this.#batcher.send('evalsha', call).catch((error: unknown) => {
      if (!isUnknownScript(error)) throw error;
      return this.#batcher.send('eval', [script.text, ...call.slice(1)]);
    });
  }

  /** Throws where nothing can be sent. It is no async function, as every request comes here twice. */
  #runWithDeadline(call: string, send: () => Promise<unknown>): Promise<ReplyReader> {
    this.#assertUsable();
    const { callTimeoutMs } = this.options;
    const silence = () => `Redis did not answer to ${call} within ${callTimeoutMs} ms${this.#causeSuffix()}.`;
    return withDeadline(callTimeoutMs, silence, send).then(
      (reply) => {
        this.#monitor.onReply();
        return new ReplyReader(call, reply);
      },
      (error: unknown) => {
        const failure = toStoreError(call, error, this.client);
        if (failure.unreadable) this.#monitor.onReply();
        else this.#monitor.onCallFailed(failure);
        throw failure;
      },
    );
  }

  /** What cannot be sent fails at once, and nothing was executed. A client that queues is left to queue. */
  #assertUsable(): void {
    const { status, options } = this.client;
    if (!this.isOpen) throw new StoreError('misconfigured', this.#closed ? storeClosedMessage : clientClosedMessage);
    const isThere = status === 'ready' || status === 'wait';
    if (isThere && this.#monitor.databaseFailure === null) return;
    if (!isThere) this.#monitor.diagnoseInBackground();
    if (options.enableOfflineQueue !== false) return;
    const storeClass = this.#monitor.failure?.class ?? 'unavailable';
    const error = new StoreError(storeClass, `Redis is not connected${this.#causeSuffix()}.`);
    this.#monitor.onCallFailed(error);
    throw error;
  }

  #causeSuffix(): string {
    if (this.client.status === 'ready' && this.#monitor.databaseFailure === null) return '';
    const cause = this.#monitor.failure?.message ?? 'the connection was lost, or is still being made';
    return `: ${cause.replace(/\.$/, '')}`;
  }
}
