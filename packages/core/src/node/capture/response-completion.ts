// How a captured answer ended: settled once, with an answer or with none.
import type { CapturedResponse } from '../../http/response.js';

export class ResponseCompletion {
  readonly promise: Promise<CapturedResponse | null>;
  #resolve: (answer: CapturedResponse | null) => void = () => {};
  #settled: CapturedResponse | null | undefined;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isSettled(): boolean {
    return this.#settled !== undefined;
  }

  get response(): CapturedResponse | null {
    return this.#settled ?? null;
  }

  settle(outcome: CapturedResponse | null): void {
    if (this.isSettled) return;
    this.#settled = outcome;
    this.#resolve(outcome);
  }
}
