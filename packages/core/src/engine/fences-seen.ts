// The highest fencing tokens that this process has seen, so that they grow even where a store lost the record.

/** How many keys are remembered; the oldest are forgotten first. */
const maxKeys = 10_000;

export class FencesSeen {
  readonly #fences = new Map<string, number>();

  of(name: string): number {
    return this.#fences.get(name) ?? 0;
  }

  saw(name: string, fence: number): void {
    const highest = Math.max(fence, this.of(name));
    this.#fences.delete(name);
    this.#fences.set(name, highest);
    if (this.#fences.size <= maxKeys) return;
    for (const oldest of this.#fences.keys()) {
      this.#fences.delete(oldest);
      return;
    }
  }
}
