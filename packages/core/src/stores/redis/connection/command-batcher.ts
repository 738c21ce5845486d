// Batches commands that are issued in the same tick into one pipeline: one write to the socket, and one read by Redis.
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
 * finished. Every command gets its own reply as it arrives, and fails by itself. In a cluster every command is sent alone:
 * the client follows a moved slot only for single commands.
 */
export class CommandBatcher {
  readonly #client: RedisClient;
  readonly #batchingDisabled: boolean;
  #pending: PendingCommand[] = [];
  #pendingSince = 0;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#batchingDisabled = isCluster(client) || client.pipeline === undefined;
  }

  /** Calls back once. A command that is sent alone throws where the client throws. */
  send(command: string, args: CommandArgument[], callback: ReplyCallback): void {
    if (this.#batchingDisabled || args.some(isTooLargeToBatch)) {
      this.flush();
      this.#sendAlone(command, args, callback);
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
    if (commands.length > 1 && this.#client.pipeline !== undefined) sendPipelined(this.#client, commands);
    else
      for (const pending of commands)
        pending.runInAsyncScope(() => this.#sendAlone(pending.command, pending.args, pending.callback));
  }

  #sendAlone(command: string, args: CommandArgument[], callback: ReplyCallback): void {
    callBack(send(this.#client, command, args), callback);
  }
}

/** Calls back when the promise settles. */
export function callBack(pending: Promise<unknown>, callback: ReplyCallback): void {
  pending.then(
    (reply) => callback(null, reply),
    (error: Error) => callback(error, null),
  );
}

function sendPipelined(client: RedisClient, commands: readonly PendingCommand[]): void {
  const pipeline = bindCallerContexts(client, commands).pipeline?.();
  for (const { command, args, callback } of commands) pipeline?.callBuffer(command, args, callback);
  // The callback of each command gets its own error.
  pipeline?.exec().catch(() => undefined);
}

/**
 * Returns the client as the pipeline is to see it. A pipeline passes its commands to `sendCommand` one after the other, all
 * in the async context of `exec`, and tracing starts its spans there. The returned object passes each command on in the
 * context of its own caller. The client itself is not changed.
 */
function bindCallerContexts(client: RedisClient, commands: readonly PendingCommand[]): RedisClient {
  if (client.sendCommand === undefined) return client;
  let next = 0;
  const sendCommand = (...args: unknown[]): unknown => {
    const pending = commands[next++];
    const sendNext = () => client.sendCommand?.(...args);
    return pending === undefined ? sendNext() : pending.runInAsyncScope(sendNext);
  };
  return Object.create(client, { sendCommand: { value: sendCommand } });
}
