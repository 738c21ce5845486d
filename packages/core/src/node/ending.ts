// How a captured answer ended: settled once, with an answer or with none.
import type { CapturedAnswer } from './answer.js';

export class Ending {
  readonly promise: Promise<CapturedAnswer | null>;
  #resolve: (answer: CapturedAnswer | null) => void = () => {};
  #outcome: CapturedAnswer | null | undefined;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isSettled(): boolean {
    return this.#outcome !== undefined;
  }

  get answer(): CapturedAnswer | null {
    return this.#outcome ?? null;
  }

  settle(outcome: CapturedAnswer | null): void {
    if (this.isSettled) return;
    this.#outcome = outcome;
    this.#resolve(outcome);
  }
}
