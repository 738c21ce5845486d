// What the functions share with which a person decides about a record.
import * as z from 'zod';

/** A text of 1 to `most` characters. */
export const boundedText = (most: number) =>
  z.string().min(1, 'it must not be empty').max(most, `it must be at most ${most} characters`);
