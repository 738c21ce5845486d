// An argument of a Redis command, and whether it is small enough to share a pipeline.

/** An argument of a command, as ioredis takes it. */
export type CommandArgument = string | Buffer | number;

/** A pipeline copies its commands into one buffer. For larger arguments the copy costs more than the pipeline saves. */
const maxBatchedArgumentBytes = 16_384;

/** Whether a command with this argument is sent outside of pipelines. */
export function isTooLargeToBatch(argument: CommandArgument): boolean {
  return typeof argument !== 'number' && argument.length > maxBatchedArgumentBytes;
}
