// Settles once how a captured response ended: with a response, or with none.
import type { CapturedResponse } from '../../http/response.js';

export class ResponseCompletion {
  readonly promise: Promise<CapturedResponse | null>;
  #resolve: (response: CapturedResponse | null) => void = () => {};
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

  /** Null: there will be no response. Only the first call counts. */
  settle(response: CapturedResponse | null): void {
    if (this.isSettled) return;
    this.#settled = response;
    this.#resolve(response);
  }
}
