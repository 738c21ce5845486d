// The life of a capture, the same over HTTP/1 and HTTP/2: it intercepts the response, then sends, discards or aborts it.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import type { CapturedResponse, TrailerEntry } from '../../http/response.js';
import { runInNextIteration } from '../../timers.js';
import { bindOriginalMethods, type CallOriginal } from '../intercept/original-methods.js';
import { PropertyOverrides } from '../intercept/property-overrides.js';
import { headersOf } from '../response-head.js';
import type { Capture, CaptureOptions } from './capture.js';
import { PipedSources } from './piped-sources.js';
import { ResponseCompletion } from './response-completion.js';

/** What the handler has written so far. */
interface CaptureBuffer {
  readonly isStreaming: boolean;
  /** Larger than `maxOutcomeBytes`: the body is not recorded. */
  readonly isTooLarge: boolean;
  /** The last bytes of a streaming response, which are held back with its end. */
  readonly tail: Buffer;
  finish(trailers: readonly TrailerEntry[]): CapturedResponse | null;
  finishAborted(): CapturedResponse | null;
}

const noBytes = Buffer.alloc(0);

/**
 * `send`, `discard`, `release` and `abort` keep one order: they restore the response first and unmask the disconnect afterwards. Listeners
 * of the deferred events must find the response as plain Node leaves it.
 */
export abstract class BaseCapture implements Capture {
  readonly baselineHeaders: readonly HeaderEntry[];
  readonly ended: Promise<CapturedResponse | null>;
  protected readonly res: ServerResponse;
  protected readonly options: CaptureOptions;
  protected readonly completion = new ResponseCompletion();
  protected readonly callOriginal: CallOriginal;
  protected readonly overrides: PropertyOverrides;
  protected isIntercepting = true;
  protected abstract readonly buffer: CaptureBuffer;
  readonly #sources: PipedSources;
  #signal: AbortSignal | undefined;
  #sending: Promise<void> | undefined;

  constructor(res: ServerResponse, options: CaptureOptions) {
    this.res = res;
    this.options = options;
    this.ended = this.completion.promise;
    this.baselineHeaders = headersOf(res);
    this.callOriginal = bindOriginalMethods(res);
    this.overrides = new PropertyOverrides(res);
    this.#sources = new PipedSources(res, () => this.endWithoutResponse());
  }

  /** True if no bytes can reach the client. */
  protected abstract get isClientGone(): boolean;
  /** Removes all overrides. Called once. */
  protected abstract restoreResponse(): void;
  /** Sets status and headers to what they were when the capture began. */
  protected abstract resetResponse(): void;
  /** Writes the captured response to the restored one. Resolves as `send` does. */
  protected abstract writeCaptured(response: CapturedResponse, extra: readonly HeaderEntry[]): Promise<void>;
  /** Emits the events of a disconnect that were hidden. */
  protected abstract unmask(): void;
  protected abstract closeConnection(): void;
  /** Makes a destroy by application code wait until a response was sent. */
  protected abstract deferDestroy(): void;
  /** Ends what `deferDestroy` began when `sent` resolves. Returns a promise for that. */
  protected abstract trackSending(sent: Promise<void>): Promise<void>;
  /** Another response will be sent: a destroy by application code waits for that one, too. */
  protected abstract trackReplacement(): void;

  endWithoutResponse(): void {
    this.completion.settle(null);
  }

  send(extra: readonly HeaderEntry[] = []): Promise<void> {
    const { response } = this.completion;
    if (!response || !this.isIntercepting) return this.#sending ?? Promise.resolve();
    this.#stopIntercepting();
    const sent = this.writeCaptured(response, extra);
    this.unmask();
    this.#sending = this.trackSending(sent);
    return this.#sending;
  }

  discard(): boolean {
    if (this.buffer.isStreaming || !this.isIntercepting) return false;
    this.detachHandler();
    this.resetResponse();
    this.unmask();
    this.trackReplacement();
    return true;
  }

  release(): boolean {
    if (this.buffer.isStreaming || !this.isIntercepting) return false;
    this.completion.settle(null);
    this.#stopIntercepting();
    runInNextIteration(() => this.unmask());
    return true;
  }

  abort(): void {
    this.detachHandler();
    this.unmask();
    this.closeConnection();
  }

  /** The handler has ended the response. */
  protected onEnd(trailers: readonly TrailerEntry[]): void {
    if (this.completion.isSettled) return;
    this.deferDestroy();
    this.completion.settle(this.buffer.finish(trailers));
  }

  /** From here on, nothing that the handler does changes the response. */
  protected detachHandler(): void {
    this.completion.settle(null);
    this.#stopIntercepting();
  }

  /** The bytes of the captured response that were not sent yet. */
  protected unsentBytes(response: CapturedResponse): Buffer {
    return response.isStreaming ? this.buffer.tail : (response.body?.toBuffer() ?? noBytes);
  }

  /** Called when the response streams, is too large to be recorded, or has lost its client: it may be useless now. */
  protected watchForAbort(): void {
    if (!this.#signal && this.options.signal) {
      this.#signal = this.options.signal();
      this.#signal.addEventListener('abort', this.#abortIfUseless);
      void this.ended.then(() => this.#signal?.removeEventListener('abort', this.#abortIfUseless));
    }
    // Not within the call that writes.
    process.nextTick(this.#abortIfUseless);
  }

  /**
   * A response that is too large to be recorded is useless once its client or its lease is gone. One that can be recorded is
   * useless once both are gone.
   */
  readonly #abortIfUseless = (): void => {
    const { isStreaming, isTooLarge } = this.buffer;
    if (this.completion.isSettled || !isStreaming) return;
    const { isClientGone } = this;
    const isLeaseLost = this.#signal?.aborted ?? false;
    const isUseless = isTooLarge ? isClientGone || isLeaseLost : isClientGone && isLeaseLost;
    if (!isUseless) return;
    this.completion.settle(this.buffer.finishAborted());
    this.#sources.destroyAll();
    this.abort();
  };

  #stopIntercepting(): void {
    if (!this.isIntercepting) return;
    this.isIntercepting = false;
    this.restoreResponse();
  }
}
