// The way to Redis: one script or command per call, within the store's deadline, failing only with a StoreError.
import { StoreError } from '../errors.js';
import { type Argument, isClosed, mastersOf, type RedisClient, type RedisNode, send } from './client.js';
import { withDeadline } from './deadline.js';
import { lacksScript, storeFailure } from './failure.js';
import type { RedisHealth } from './health.js';
import { Outbox } from './outbox.js';
import { type Durability, runReplicated } from './replicated.js';
import { Reply } from './reply.js';
import type { Script } from './script.js';
import { keyBeside } from './scripts/record.js';
import { ClientWatch } from './watch.js';

const storeClosed = 'This store is closed. Close it last, after the server.';
const clientClosed =
  'The Redis client is closed. Give RedisStore a client that stays open, and close the client after everything that uses the store.';

export interface LinkOptions {
  readonly timeoutMs: number;
  /** Null: an answer of the master is enough. */
  readonly durability: Durability | null;
}

export class RedisLink {
  readonly #watch: ClientWatch;
  readonly #outbox: Outbox;
  #closed = false;
  /** When it was first known that the store or the client is closed. */
  #closedAt: number | null = null;

  constructor(
    readonly client: RedisClient,
    private readonly options: LinkOptions,
    check: () => Promise<void>,
  ) {
    this.#watch = ClientWatch.of(client);
    this.#watch.open(check);
    this.#outbox = new Outbox(client);
  }

  /** Neither the store nor the client has been closed. */
  get isOpen(): boolean {
    return !this.#closed && !isClosed(this.client);
  }

  get health(): RedisHealth {
    if (this.isOpen) return this.#watch.health;
    this.#closedAt ??= Date.now();
    return { state: 'closed', lastError: this.#closed ? storeClosed : clientClosed, since: this.#closedAt };
  }

  /** Runs the script on the record's key and the one beside it. */
  run(verb: string, script: Script, key: string, args: readonly Argument[]): Promise<Reply> {
    return this.#within(verb, () => this.#evaluate(script, [script.sha, 2, key, keyBeside(key), ...args]));
  }

  /** The same for what must not be lost with one server: where the options ask for it, replicas have it too. */
  runDurably(verb: string, script: Script, key: string, args: readonly Argument[]): Promise<Reply> {
    const { durability, timeoutMs } = this.options;
    if (durability === null) return this.run(verb, script, key, args);
    const endsAt = performance.now() + timeoutMs;
    const sent = () => {
      this.#outbox.empty();
      return runReplicated(this.client, durability, script, [2, key, keyBeside(key), ...args], endsAt);
    };
    return this.#within(verb, sent);
  }

  /** Sends one command to one server. */
  ask(node: RedisNode, command: string, args: Argument[]): Promise<Reply> {
    return this.#within(command, () => send(node, command, args));
  }

  masters(): readonly RedisNode[] {
    return mastersOf(this.client);
  }

  /** What the client puts before every key by itself. */
  get keyPrefix(): string {
    return this.client.options.keyPrefix ?? '';
  }

  close(): void {
    if (!this.#closed) this.#watch.close();
    this.#outbox.empty();
    this.#closedAt ??= Date.now();
    this.#closed = true;
  }

  /** By its digest, and with its text where Redis does not know that. */
  #evaluate(script: Script, call: Argument[]): Promise<unknown> {
    return this.#outbox.send('evalsha', call).catch((error: unknown) => {
      if (!lacksScript(error)) throw error;
      return this.#outbox.send('eval', [script.text, ...call.slice(1)]);
    });
  }

  /** Throws where nothing can be sent. It is no async function, as every request comes here twice. */
  #within(call: string, send: () => Promise<unknown>): Promise<Reply> {
    this.#checkUsable();
    const { timeoutMs } = this.options;
    const silence = () => `Redis did not answer to ${call} within ${timeoutMs} ms${this.#why()}.`;
    return withDeadline(timeoutMs, silence, send).then(
      (reply) => {
        this.#watch.answered();
        return new Reply(call, reply);
      },
      (error: unknown) => {
        const failure = storeFailure(call, error, this.client);
        if (failure.unreadable) this.#watch.answered();
        else this.#watch.failed(failure);
        throw failure;
      },
    );
  }

  /** What cannot be sent fails at once, and nothing was executed. A client that queues is left to queue. */
  #checkUsable(): void {
    const { status, options } = this.client;
    if (!this.isOpen) throw new StoreError('misconfigured', this.#closed ? storeClosed : clientClosed);
    const isThere = status === 'ready' || status === 'wait';
    if (isThere && this.#watch.wrongDatabase === null) return;
    if (!isThere) this.#watch.suspect();
    if (options.enableOfflineQueue !== false) return;
    const storeClass = this.#watch.refusal?.class ?? 'unavailable';
    const error = new StoreError(storeClass, `Redis is not connected${this.#why()}.`);
    this.#watch.failed(error);
    throw error;
  }

  #why(): string {
    if (this.client.status === 'ready' && this.#watch.wrongDatabase === null) return '';
    const cause = this.#watch.refusal?.message ?? 'the connection was lost, or is still being made';
    return `: ${cause.replace(/\.$/, '')}`;
  }
}
