// A caller that waits for the outcome of another attempt, and may leave earlier.

/** Calls `listener` when the caller leaves. Returns a function that unsubscribes it. */
export type OnCallerGone = (listener: () => void) => () => void;

export class WaitingCaller {
  #hasLeft = false;
  #onLeave = () => {};
  readonly #unsubscribe: () => void;

  /** `releaseSlot` is called when the caller leaves, also while a poll is on its way, and when the wait is over. */
  constructor(
    onCallerGone: OnCallerGone | undefined,
    private readonly releaseSlot: () => void,
  ) {
    this.#unsubscribe = onCallerGone?.(() => this.#leave()) ?? (() => {});
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Sets what is called when the caller leaves, in place of the listener before. Calls it at once if the caller has left. */
  onLeave(listener: () => void): void {
    this.#onLeave = listener;
    if (this.#hasLeft) listener();
  }

  /** The wait is over. */
  dispose(): void {
    this.#onLeave = () => {};
    this.#unsubscribe();
    this.releaseSlot();
  }

  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.releaseSlot();
    this.#onLeave();
  }
}
