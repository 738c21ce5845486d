// Calls that are made in one go leave together: one write to the socket, and one reading of it by Redis.
import { type Argument, isCluster, type RedisClient, type RedisPipeline, send } from './client.js';

type Told = (error: Error | null | undefined, reply: unknown) => void;

interface Letter {
  readonly command: string;
  readonly args: Argument[];
  readonly told: Told;
}

/** A pipeline copies what it sends into one piece, which costs large answers more than it saves. */
const largestBytes = 16_384;
/** Much may be computed in one go; what has waited so long leaves with the next call. */
const longestWaitMs = 5;

/**
 * What waits here is sent, in the order of the calls, when the code that runs now, and all promises that it settles, have
 * come to their end. Each call has an answer of its own, when it comes, and fails by itself. On a cluster every command is sent
 * alone: only so does the client follow a slot that has moved.
 */
export class Outbox {
  readonly #client: RedisClient;
  readonly #sendsAlone: boolean;
  #waiting: Letter[] = [];
  #waitingSince = 0;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#sendsAlone = isCluster(client) || client.pipeline === undefined;
  }

  send(command: string, args: Argument[]): Promise<unknown> {
    if (this.#sendsAlone || args.some(isLarge)) {
      this.empty();
      return send(this.#client, command, args);
    }
    return new Promise((resolve, reject) => {
      const told: Told = (error, reply) => (error ? reject(error) : resolve(reply));
      this.#add({ command, args, told });
    });
  }

  #add(letter: Letter): void {
    const now = performance.now();
    if (this.#waiting.push(letter) === 1) {
      this.#waitingSince = now;
      process.nextTick(() => this.empty());
    } else if (now - this.#waitingSince > longestWaitMs) this.empty();
  }

  /** Sends at once what waits. */
  empty(): void {
    const letters = this.#waiting;
    if (letters.length === 0) return;
    this.#waiting = [];
    const pipeline = letters.length > 1 ? this.#client.pipeline?.() : undefined;
    if (pipeline === undefined) for (const letter of letters) this.#sendAlone(letter);
    else sendTogether(pipeline, letters);
  }

  #sendAlone({ command, args, told }: Letter): void {
    send(this.#client, command, args).then(
      (reply) => told(null, reply),
      (error: Error) => told(error, null),
    );
  }
}

function sendTogether(pipeline: RedisPipeline, letters: readonly Letter[]): void {
  for (const { command, args, told } of letters) pipeline.callBuffer(command, args, told);
  // Whoever sent a letter has been told.
  pipeline.exec().catch(() => undefined);
}

/** Large ones leave by themselves. */
export function isLarge(argument: Argument): boolean {
  return typeof argument !== 'number' && argument.length > largestBytes;
}
