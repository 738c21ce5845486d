// The majors of BullMQ that the adapter is for.

export type Bullmq = typeof import('bullmq');

export type Major = 5 | 6;

export const majors: readonly Major[] = [5, 6];

/** Loads the one. They have the same surface, as far as it is used here. */
export async function loadBullmq(major: Major): Promise<Bullmq> {
  return major === 6 ? await import('bullmq') : ((await import('bullmq5')) as unknown as Bullmq);
}
