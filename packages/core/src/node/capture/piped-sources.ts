// The streams that are piped into a response: what becomes of an answer when one breaks off, and ending them.

import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { runInNextIteration } from '../../timers.js';

export class PipedSources {
  readonly #sources = new Set<Readable>();

  /**
   * A stream that is destroyed before its end, by its own failure, the framework or the application, ends no response that
   * it is piped into. Then `onBroken` is called, a turn of the event loop later: an error handler may still answer.
   */
  constructor(res: ServerResponse, onBroken: () => void) {
    res.on('pipe', (source: Readable) => {
      this.#sources.add(source);
      source.once('close', () => {
        this.#sources.delete(source);
        if (source.readableEnded || res.writableEnded) return;
        runInNextIteration(() => {
          if (!res.writableEnded) onBroken();
        });
      });
    });
    res.on('unpipe', (source: Readable) => this.#sources.delete(source));
  }

  /** Destroys all that are piped in now: nobody wants their bytes any more. */
  destroyAll(): void {
    for (const source of [...this.#sources]) source.destroy?.();
  }
}
