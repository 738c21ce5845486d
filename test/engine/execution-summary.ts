// How a call ended, in a few words that fit into a table.
import { type Execution, IdempotencyError } from '@onceguard/core';

/** `paid, recorded`, `paid, unrecorded` or `paid, replayed`; the name of any other kind; the code or the message of an error. */
export async function summarize(execution: Promise<Execution<unknown>>): Promise<string> {
  try {
    const end = await execution;
    if (end.kind === 'executed') return `${end.value}, ${end.recorded ? 'recorded' : 'unrecorded'}`;
    return end.kind === 'replayed' ? `${end.value}, replayed` : end.kind;
  } catch (error) {
    return error instanceof IdempotencyError ? error.code : String(error);
  }
}
