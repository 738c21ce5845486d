// Batches commands that are issued in the same tick: one write to the socket, and one read by Redis.
import { AsyncResource } from 'node:async_hooks';
import { type CommandArgument, isTooLargeToBatch } from '../wire/command-argument.js';
import { isCluster, type RedisClient, send } from './redis-client.js';

/** `error` is null or undefined where there is a reply. */
export type ReplyCallback = (error: Error | null | undefined, reply: unknown) => void;

/** Keeps the async context of its caller, so that tracing assigns the command to the right request. */
class PendingCommand extends AsyncResource {
  constructor(
    readonly command: string,
    readonly args: CommandArgument[],
    readonly callback: ReplyCallback,
  ) {
    super('OnceguardCommand', { requireManualDestroy: true });
  }
}

/** A tick may last long. A command that has waited this long is sent with the next command. */
const maxBatchDelayMs = 5;

/**
 * Sends the pending commands in the order of the calls, as soon as the current code and all promises that it settles have
 * finished. Every command gets its own reply as it arrives, and fails by itself. In a cluster every command is sent at once: its commands
 * go to many servers.
 *
 * The socket is corked meanwhile. A pipeline of ioredis would do the same, but each one gets a hidden class of its own, by which V8 keeps
 * all of its commands and replies until the next major collection (decision 17).
 */
export class CommandBatcher {
  readonly #client: RedisClient;
  readonly #batchingDisabled: boolean;
  #pending: PendingCommand[] = [];
  #pendingSince = 0;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#batchingDisabled = isCluster(client);
  }

  /** Calls back once. */
  send(command: string, args: CommandArgument[], callback: ReplyCallback): void {
    if (this.#batchingDisabled || args.some(isTooLargeToBatch)) {
      this.flush();
      callBack(() => send(this.#client, command, args), callback);
    } else this.#enqueue(new PendingCommand(command, args, callback));
  }

  #enqueue(pending: PendingCommand): void {
    const now = performance.now();
    if (this.#pending.push(pending) === 1) {
      this.#pendingSince = now;
      process.nextTick(() => this.flush());
    } else if (now - this.#pendingSince > maxBatchDelayMs) this.flush();
  }

  /** Sends the pending commands at once. */
  flush(): void {
    const commands = this.#pending;
    if (commands.length === 0) return;
    this.#pending = [];
    // It has no socket while it is not connected.
    const { stream } = this.#client;
    stream?.cork();
    for (const pending of commands) {
      pending.runInAsyncScope(() =>
        callBack(() => send(this.#client, pending.command, pending.args), pending.callback),
      );
    }
    stream?.uncork();
  }
}

/** Calls back when the promise settles, or when `start` throws. */
export function callBack(start: () => Promise<unknown>, callback: ReplyCallback): void {
  let pending: Promise<unknown>;
  try {
    pending = start();
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)), null);
    return;
  }
  pending.then(
    (reply) => callback(null, reply),
    (error: Error) => callback(error, null),
  );
}
