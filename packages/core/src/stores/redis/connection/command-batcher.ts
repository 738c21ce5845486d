// Calls that are made in one go leave together: one write to the socket, and one reading of it by Redis.
import { AsyncResource } from 'node:async_hooks';
import { type CommandArgument, isCluster, type RedisClient, send } from './redis-client.js';

type ReplyCallback = (error: Error | null | undefined, reply: unknown) => void;

/** It keeps the async context of its caller, so that tracing files the command under the request that it belongs to. */
class PendingCommand extends AsyncResource {
  constructor(
    readonly command: string,
    readonly args: CommandArgument[],
    readonly callback: ReplyCallback,
  ) {
    super('OnceguardCommand', { requireManualDestroy: true });
  }
}

/** A pipeline copies what it sends into one piece, which costs large answers more than it saves. */
const maxBatchedArgumentBytes = 16_384;
/** Much may be computed in one go; what has waited so long leaves with the next call. */
const maxBatchDelayMs = 5;

/**
 * What waits here is sent, in the order of the calls, when the code that runs now, and all promises that it settles, have
 * come to their end. Each call has an answer of its own, when it comes, and fails by itself. On a cluster every command is sent
 * alone: only so does the client follow a slot that has moved.
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

  send(command: string, args: CommandArgument[]): Promise<unknown> {
    if (this.#batchingDisabled || args.some(isTooLargeToBatch)) {
      this.flush();
      return send(this.#client, command, args);
    }
    return new Promise((resolve, reject) => {
      const told: ReplyCallback = (error, reply) => (error ? reject(error) : resolve(reply));
      this.#enqueue(new PendingCommand(command, args, told));
    });
  }

  #enqueue(pending: PendingCommand): void {
    const now = performance.now();
    if (this.#pending.push(pending) === 1) {
      this.#pendingSince = now;
      process.nextTick(() => this.flush());
    } else if (now - this.#pendingSince > maxBatchDelayMs) this.flush();
  }

  /** Sends at once what waits. */
  flush(): void {
    const commands = this.#pending;
    if (commands.length === 0) return;
    this.#pending = [];
    if (commands.length > 1 && this.#client.pipeline !== undefined) sendPipelined(this.#client, commands);
    else for (const command of commands) command.runInAsyncScope(() => this.#sendSingle(command));
  }

  #sendSingle({ command, args, callback }: PendingCommand): void {
    send(this.#client, command, args).then(
      (reply) => callback(null, reply),
      (error: Error) => callback(error, null),
    );
  }
}

function sendPipelined(client: RedisClient, commands: readonly PendingCommand[]): void {
  const pipeline = bindCallerContexts(client, commands).pipeline?.();
  for (const { command, args, callback } of commands) pipeline?.callBuffer(command, args, callback);
  // Each caller gets its own error.
  pipeline?.exec().catch(() => undefined);
}

/**
 * The client as one pipeline sees it. A pipeline hands its commands to `sendCommand` one after the other, all in the context in
 * which it is executed; tracing begins its spans there. Here each is handed on in the context of its own caller. The client
 * itself is not changed.
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

/** Large ones leave by themselves. */
export function isTooLargeToBatch(argument: CommandArgument): boolean {
  return typeof argument !== 'number' && argument.length > maxBatchedArgumentBytes;
}
