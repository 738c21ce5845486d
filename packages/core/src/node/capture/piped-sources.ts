// Tracks the streams that are piped into a response: notices when one breaks, and destroys them all.
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { runInNextIteration } from '../../timers.js';

export class PipedSources {
  /** Created with the first source: most responses have none. */
  #sources: Set<Readable> | undefined;

  /**
   * Node does not end a response when a piped stream is destroyed before its end. Then this calls `onBroken`, one event-loop
   * iteration later: an error handler may still send a response.
   */
  constructor(res: ServerResponse, onBroken: () => void) {
    res.on('pipe', (source: Readable) => {
      this.#sources ??= new Set();
      this.#sources.add(source);
      source.once('close', () => {
        this.#sources?.delete(source);
        if (source.readableEnded || res.writableEnded) return;
        runInNextIteration(() => {
          if (!res.writableEnded) onBroken();
        });
      });
    });
    res.on('unpipe', (source: Readable) => this.#sources?.delete(source));
  }

  /** Destroys all streams that are piped now, because nobody needs their bytes. */
  destroyAll(): void {
    for (const source of [...(this.#sources ?? [])]) source.destroy?.();
  }
}
