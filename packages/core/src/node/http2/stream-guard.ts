// Guards the stream of a captured response: nobody may bypass the capture, or destroy a response that is held.
import type { ServerHttp2Stream } from 'node:http2';
import { PropertyOverrides } from '../intercept/property-overrides.js';
import { isStreamClosed } from './http2-stream.js';

const RESPONDING_METHODS = ['respond', 'respondWithFile', 'respondWithFD', 'write', 'end'] as const;

/** Refuses writes to the stream itself, which could not be recorded. Shows the head as sent once it is written. */
export class StreamGuard {
  readonly #stream: ServerHttp2Stream;
  readonly #methodOverrides: PropertyOverrides;
  readonly #headOverride: PropertyOverrides;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    this.#methodOverrides = new PropertyOverrides(stream);
    this.#headOverride = new PropertyOverrides(stream);
    for (const name of RESPONDING_METHODS) {
      const original: (...args: never[]) => unknown = stream[name];
      this.#methodOverrides.override(name, (...args: never[]) => {
        // Node itself ends a stream that is closed.
        if (isStreamClosed(stream)) return Reflect.apply(original, stream, args);
        throw new Error(`This response is captured. Send it through the response object, not through stream.${name}()`);
      });
    }
  }

  /** From here on Node's own methods refuse late headers. */
  headWritten(): void {
    this.#headOverride.overrideAccessor('headersSent', true);
  }

  /** Restores Node's own methods, so that the head and the body can be sent. */
  allowSending(): void {
    this.#methodOverrides.restoreAll();
    this.#headOverride.restoreAll();
  }

  /** Shows the head as sent also if Node could not send it because the client had disconnected. */
  headSent(): void {
    if (!this.#stream.headersSent) this.headWritten();
  }
}

/**
 * Defers `stream.destroy` until the response was sent. Express' final handler destroys the connection when an error arrives
 * after the head was written, and Node does when something is written after the end. The client would get nothing although
 * the work is done. After a disconnect of the client nothing is deferred.
 */
export function deferDestroy(stream: ServerHttp2Stream): void {
  const { destroy } = stream;
  const overrides = new PropertyOverrides(stream);
  let deferred: (() => void) | undefined;
  overrides.override('destroy', (error?: Error) => {
    const isSessionGone = stream.session === undefined || stream.session.destroyed;
    if (isStreamClosed(stream) || isSessionGone) return destroy.call(stream, error);
    deferred ??= () => destroy.call(stream, error);
    return stream;
  });
  void whenStreamSentOrClosed(stream).then(() => {
    overrides.restoreAll();
    deferred?.();
  });
}

/** Resolves when the response was handed to the connection, or the client is gone. Never rejects. */
export function whenStreamSentOrClosed(stream: ServerHttp2Stream): Promise<void> {
  if (isStreamClosed(stream)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('finish', finished).off('close', done);
      resolve();
    };
    // Node sends the frame that ends the stream, with the trailers, one event-loop iteration after 'finish'.
    const finished = (): void => void setImmediate(() => setImmediate(done));
    stream.once('finish', finished).once('close', done);
  });
}
