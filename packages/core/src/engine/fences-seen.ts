// The highest fencing tokens that this process has seen, so that they grow even where a store lost the record.

/** How many keys are remembered at least, and half of how many at most; the oldest are forgotten first. */
const keysRemembered = 10_000;

/** Two generations, because forgetting the oldest key of a Map one by one costs a walk over all that were forgotten before. */
export class FencesSeen {
  #recent = new Map<string, number>();
  #older: ReadonlyMap<string, number> = this.#recent;

  of(name: string): number {
    return this.#recent.get(name) ?? this.#older.get(name) ?? 0;
  }

  saw(name: string, fence: number): void {
    this.#recent.set(name, Math.max(fence, this.of(name)));
    if (this.#recent.size < keysRemembered) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}
