// What stands on the stream of a captured response: nobody may answer past the capture, or destroy an answer that is held.
import type { ServerHttp2Stream } from 'node:http2';
import { PropertyOverrides } from '../intercept/property-overrides.js';
import { isStreamClosed } from './http2-stream.js';

const RESPONDING_METHODS = ['respond', 'respondWithFile', 'respondWithFD', 'write', 'end'] as const;

/** Refuses answers that are given to the stream itself, which could not be recorded, and makes the head count as sent. */
export class StreamGuard {
  readonly #stream: ServerHttp2Stream;
  readonly #methodOverrides: PropertyOverrides;
  readonly #headOverride: PropertyOverrides;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    this.#methodOverrides = new PropertyOverrides(stream);
    this.#headOverride = new PropertyOverrides(stream);
    for (const name of RESPONDING_METHODS) {
      const own: (...args: never[]) => unknown = stream[name];
      this.#methodOverrides.override(name, (...args: never[]) => {
        // Node itself ends a stream that is closed.
        if (!isStreamClosed(stream))
          throw new Error(`This answer is captured: give it to the response, not to stream.${name}()`);
        return Reflect.apply(own, stream, args);
      });
    }
  }

  /** From here on Node's own methods refuse headers that come too late. */
  headWritten(): void {
    this.#headOverride.override('headersSent', true);
  }

  /** Lets Node's own methods through: the head leaves, and what follows it. */
  allowSending(): void {
    this.#methodOverrides.restoreAll();
    this.#headOverride.restoreAll();
  }

  /** The head counts as sent, also where it could not be because the client had left. */
  headSent(): void {
    if (!this.#stream.headersSent) this.headWritten();
  }
}

/**
 * Puts `stream.destroy` off while an answer is on its way: Express' final handler destroys the connection when an error
 * arrives after the head was written, and Node does when something is written after the end. The client would get nothing
 * although the work is done. Nothing is put off once the client has left.
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

/** Resolves when the answer has been handed to the connection, or the client is gone. Never rejects. */
export function whenStreamSentOrClosed(stream: ServerHttp2Stream): Promise<void> {
  if (isStreamClosed(stream)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('finish', finished).off('close', done);
      resolve();
    };
    // The frame that ends the stream, with the trailers, is sent after 'finish', at the next turn.
    const finished = (): void => void setImmediate(() => setImmediate(done));
    stream.once('finish', finished).once('close', done);
  });
}
