// A caller that waits for the outcome of another, and may leave before it is there.

/** Calls back when the caller leaves. The result ends that. */
export type OnCallerGone = (listener: () => void) => () => void;

export class WaitingCaller {
  #hasLeft = false;
  #onLeave = () => {};
  readonly #unsubscribe: () => void;

  /** `givePlaceBack` is called when the caller leaves, also while it looks at the store, and when the wait is over. */
  constructor(
    onCallerGone: OnCallerGone | undefined,
    private readonly releaseSlot: () => void,
  ) {
    this.#unsubscribe = onCallerGone?.(() => this.#leave()) ?? (() => {});
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Replaces what is called when the caller leaves. */
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
