// A caller that waits for the outcome of another attempt, and may leave earlier.

/** Calls `listener` when the caller leaves. Returns a function that unsubscribes it. */
export type OnCallerGone = (listener: () => void) => () => void;

/** How it is known that the caller no longer waits. */
export interface CallerState {
  readonly onCallerGone?: OnCallerGone | undefined;
  /** False once the caller has another response. It is asked before each poll, because nothing tells when that happens. */
  canStart?(): boolean;
}

export class WaitingCaller {
  #hasLeft = false;
  #onLeave = () => {};
  readonly #unsubscribe: () => void;

  /** `releaseSlot` is called when the caller leaves, also while a poll is on its way, and when the wait is over. */
  constructor(
    private readonly state: CallerState,
    private readonly releaseSlot: () => void,
  ) {
    this.#unsubscribe = state.onCallerGone?.(() => this.#leave()) ?? (() => {});
  }

  get hasLeft(): boolean {
    return this.#hasLeft || this.state.canStart?.() === false;
  }

  /** Sets what is called when the caller leaves, in place of the listener before. Calls it at once if the caller has left. */
  onLeave(listener: () => void): void {
    this.#onLeave = listener;
    if (this.hasLeft) listener();
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
