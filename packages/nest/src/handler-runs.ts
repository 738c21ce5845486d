// Notices when the handler of a request has stopped, also where an interceptor has given up on it before.
import { defer, finalize, Observable } from 'rxjs';

const maxTimerMs = 2 ** 31 - 1;

export class HandlerRuns {
  /** Resolves when nothing that was counted or tracked runs any more. */
  readonly stopped: Promise<void>;
  readonly #maxExecutionMs: number;
  #running = 0;
  #resolveStopped = () => {};

  constructor(maxExecutionMs: number) {
    this.#maxExecutionMs = Math.min(maxExecutionMs, maxTimerMs);
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  /** Counts as running from the subscription until the Observable ends or is unsubscribed from. */
  count(handled: Observable<unknown>): Observable<unknown> {
    return defer(() => handled.pipe(finalize(this.#begin())));
  }

  /**
   * Counts as running until the handler itself has ended. An interceptor that gives up (`timeout`, a race) unsubscribes. That stops no
   * promise, so this stays subscribed, at most for `maxExecutionMs`.
   */
  track(handled: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      const end = this.#begin();
      let timer: NodeJS.Timeout | undefined;
      let hasStopped = false;
      const stop = () => {
        hasStopped = true;
        clearTimeout(timer);
        end();
      };
      const source = handled.subscribe({
        next: (value) => (subscriber.closed ? destroyUnsent(value) : subscriber.next(value)),
        error: (error) => {
          stop();
          subscriber.error(error);
        },
        complete: () => {
          stop();
          subscriber.complete();
        },
      });
      return () => {
        // The source closes only after its end has arrived here. A timer would keep the request in memory until it fires.
        if (hasStopped) return;
        timer = setTimeout(() => {
          source.unsubscribe();
          stop();
        }, this.#maxExecutionMs).unref();
      };
    });
  }

  /** Returns a function that ends the run. It may be called more than once. */
  #begin(): () => void {
    this.#running += 1;
    let isRunning = true;
    return () => {
      if (!isRunning) return;
      isRunning = false;
      this.#running -= 1;
      if (this.#running === 0) this.#resolveStopped();
    };
  }
}

/** Nobody sends this value any more. A stream, or the stream of a StreamableFile, would keep what it reads from open. */
function destroyUnsent(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const getStream: unknown = Reflect.get(value, 'getStream');
  const stream: unknown = typeof getStream === 'function' ? Reflect.apply(getStream, value, []) : value;
  const destroy: unknown = typeof stream === 'object' && stream !== null ? Reflect.get(stream, 'destroy') : undefined;
  if (typeof destroy === 'function') Reflect.apply(destroy, stream, []);
}
