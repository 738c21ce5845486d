// What became of a call, in a few words that fit into a table.
import { type Execution, IdempotencyError } from '@onceguard/core';

/** `paid, recorded`, `paid, unrecorded`, `paid, replayed`; another kind by its name; an error by its code or message. */
export async function summarize(execution: Promise<Execution<unknown>>): Promise<string> {
  try {
    const end = await execution;
    if (end.kind === 'executed') return `${end.value}, ${end.recorded ? 'recorded' : 'unrecorded'}`;
    return end.kind === 'replayed' ? `${end.value}, replayed` : end.kind;
  } catch (error) {
    return error instanceof IdempotencyError ? error.code : String(error);
  }
}
