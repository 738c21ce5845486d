// An argument of a Redis command, and whether it is small enough to wait for others.

/** An argument of a command, as ioredis takes it. */
export type CommandArgument = string | Buffer | number;

/** What is written together is copied into one buffer. For larger arguments the copy costs more than the write that it saves. */
const maxBatchedArgumentBytes = 16_384;

/** Whether a command with this argument is sent by itself. */
export function isTooLargeToBatch(argument: CommandArgument): boolean {
  return typeof argument !== 'number' && argument.length > maxBatchedArgumentBytes;
}
