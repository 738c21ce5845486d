// Holds a ServerResponse back until the handler's side has ended it, so that its answer can be recorded, and then sends it.
//
// The mechanism, in the order in which an answer meets it:
//
// 1. A cover is laid over the response: own properties for the methods that write and for what tells how far the
//    answer is (`handler-side.ts`, `overlay.ts`). The handler, and layers that patch the response later, work with
//    those. What stood there before, Node's methods or the wrappers of layers outside, is beneath.
// 2. An answer that is given whole to `end`, on a response that nothing was written to, is taken as it stands: Node checked its
//    headers when they were set, and there is nothing else that it refuses (`ordinary.ts`). Every other call is played first
//    on a second response that has no client, made when it is needed (`rehearsal.ts`). So Node itself decides what it
//    refuses, in the handler's own call, and what a second `end` or a late `setHeader` does. Nothing that Node would not
//    send is ever recorded.
// 3. When the head is written, it is copied and frozen (`head.ts`). Bytes are kept (`answer.ts`). The client gets
//    nothing, except informational answers (1xx), which pass.
// 4. An answer that is too large to be kept, an event stream, and one whose head was flushed must not wait: it flows
//    (`flow.ts`), and only its end is held back, so that no client can take what it has for the whole.
// 5. Whoever writes the answer does not learn that the client has left, from the response (`client.ts`), from the request
//    (`request-mask.ts`) or from their socket (`stand-in.ts`), and cannot destroy the connection between the end of the answer and its leaving (`connection.ts`).
//    What is beyond `maxOutcomeBytes` is of no use then, neither to the client nor to the record: such an answer is
//    cut off, and its source is destroyed (`sources.ts`).
// 6. With the end, `ended` resolves. The owner of the capture records the answer and calls `send()`: the cover is
//    lifted, and the answer is given to what stood beneath in one ordinary call of `end` (`send.ts`). Or it calls
//    `withdraw()` and answers otherwise; or, if bytes have left already, `cut()`.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import type { CapturedResponse, TrailerEntry } from '../../http/response.js';
import { abortResponse, type ClientConnection, connectionOf } from '../disconnect/client-connection.js';
import { RequestDisconnectMask } from '../disconnect/request-disconnect-mask.js';
import { ResponseDisconnectMask } from '../disconnect/response-disconnect-mask.js';
import { Http2Capture } from '../http2/http2-capture.js';
import { http2ResponseStream } from '../http2/http2-stream.js';
import { DryRun } from '../intercept/dry-run.js';
import { bindOriginalMethods, type CallOriginal } from '../intercept/original-methods.js';
import { PropertyOverrides } from '../intercept/property-overrides.js';
import { interceptResponse } from '../intercept/response-interceptor.js';
import { headersOf } from '../response-head.js';
import { endResponse, sendAndWait, setStatus, whenSentOrClosed } from '../send-response.js';
import { PipedSources } from './piped-sources.js';
import { type ResponseSettings, resetResponse, settingsOf, uncorkFully } from './reset-response.js';
import { ResponseBuffer } from './response-buffer.js';
import { ResponseCompletion } from './response-completion.js';

export interface CaptureOptions {
  /** Bytes of body that are held and kept. What is larger flows. */
  readonly maxOutcomeBytes: number;
  /** Aborts when the attempt that answers has lost its lease. Asked for only where the answer flows or its client has left. */
  readonly signal?: () => AbortSignal;
  /** Another answer will take the place of this one: nothing of it flows or is kept but its head. */
  readonly keepHeadOnly?: boolean;
  /** A send failed although Node had accepted the answer; the connection has been ended. */
  readonly onSendError?: (error: Error) => void;
}

export interface Capture {
  /** What stood on the response when the capture began: the headers of layers outside. */
  readonly baselineHeaders: readonly HeaderEntry[];
  /**
   * Resolves once: with the answer when the handler's side has ended it, or with null when no answer can come any more.
   * A client that leaves ends nothing: the answer may still come. Never rejects.
   *
   * An answer that is larger than `maxOutcomeBytes` is cut off where its client has left or `signal` aborts: `ended`
   * resolves with what is known of it, the streams piped into it are destroyed, and the connection is closed.
   */
  readonly ended: Promise<CapturedResponse | null>;
  /** The handler is through and will not answer: `ended` resolves with null, even if chunks were written. */
  endWithoutResponse(): void;
  /**
   * Lets the captured answer out through what stood beneath: whole if it was held, just the end if it flowed. `extra`
   * headers are added if the head has not left. Resolves when it was handed to the socket, or the client is gone. Never
   * rejects. Does nothing if there is no answer.
   */
  send(extra?: readonly HeaderEntry[]): Promise<void>;
  /**
   * Gives the untouched response back for another answer: what was held is dropped, status and headers are as they
   * were, and whatever the handler's side still writes is refused. False if bytes have left already: then only `cut()`
   * is left.
   */
  discard(): boolean;
  /** Ends the connection so that the client can tell that the answer is incomplete. */
  abort(): void;
}

/**
 * Begins to capture what is answered on `res`, of which nothing may have been written yet. Layers outside have done
 * their patching by now; layers inside may patch what they find.
 *
 * @throws Error if the head has been written already.
 */
export function captureResponse(req: IncomingMessage, res: ServerResponse, options: CaptureOptions): Capture {
  if (res.headersSent) throw new Error('captureResponse: the response has been written already, it cannot be captured');
  const stream = http2ResponseStream(res);
  return stream ? new Http2Capture(res, stream, options) : new Http1Capture(req, res, options);
}

class Http1Capture implements Capture {
  readonly baselineHeaders: readonly HeaderEntry[];
  readonly ended: Promise<CapturedResponse | null>;
  readonly #completion = new ResponseCompletion();
  readonly #res: ServerResponse;
  readonly #options: CaptureOptions;
  readonly #connection: ClientConnection;
  readonly #initialSettings: ResponseSettings;
  readonly #callOriginal: CallOriginal;
  readonly #dryRun: DryRun;
  readonly #buffer: ResponseBuffer;
  readonly #overrides: PropertyOverrides;
  readonly #responseMask: ResponseDisconnectMask;
  readonly #requestMask: RequestDisconnectMask;
  readonly #sources: PipedSources;
  #signal: AbortSignal | undefined;
  #isIntercepting = true;
  #isResponseHeld = false;
  #sending: Promise<void> | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, options: CaptureOptions) {
    this.#overrides = new PropertyOverrides(res);
    this.#res = res;
    this.#options = options;
    this.ended = this.#completion.promise;
    this.baselineHeaders = headersOf(res);
    this.#initialSettings = settingsOf(res);
    this.#callOriginal = bindOriginalMethods(res);
    this.#dryRun = new DryRun(req, res);
    this.#buffer = new ResponseBuffer(res, this.#callOriginal, options, () => this.#watchForAbort());
    this.#sources = new PipedSources(res, () => this.endWithoutResponse());
    this.#responseMask = new ResponseDisconnectMask(res, this.#overrides);
    this.#connection = connectionOf(req);
    this.#requestMask = new RequestDisconnectMask(req, this.#connection);
    this.#connection.onClose(this.#onConnectionClosed);
    if (this.#connection.isClosed) this.#buffer.clientDisconnected();
    interceptResponse({
      res,
      callOriginal: this.#callOriginal,
      overrides: this.#overrides,
      dryRun: this.#dryRun,
      buffer: this.#buffer,
      onEnd: (trailers) => this.#onEnd(trailers),
      onDestroy: (error) => this.#onDestroy(error),
    });
  }

  endWithoutResponse(): void {
    this.#completion.settle(null);
  }

  send(extra: readonly HeaderEntry[] = []): Promise<void> {
    const { response } = this.#completion;
    if (!response || !this.#isIntercepting) return this.#sending ?? Promise.resolve();
    this.#restoreResponse();
    const left = sendAndWait(this.#res, this.#options.onSendError, () => this.#writeCaptured(response, extra));
    this.#unmask();
    this.#sending = this.#trackSending(left);
    return this.#sending;
  }

  discard(): boolean {
    if (this.#buffer.isStreaming || !this.#isIntercepting) return false;
    this.#detachHandler();
    resetResponse(this.#res, this.#initialSettings, this.baselineHeaders);
    this.#unmask();
    // A destroy that was put off comes after the other answer.
    void this.#trackSending(whenSentOrClosed(this.#res));
    return true;
  }

  abort(): void {
    this.#detachHandler();
    this.#unmask();
    abortResponse(this.#res);
  }

  #onEnd(trailers: readonly TrailerEntry[]): void {
    if (this.#completion.isSettled) return;
    this.#isResponseHeld = true;
    this.#connection.responseHeld();
    this.#completion.settle(this.#buffer.finish(trailers));
  }

  #onDestroy(error: Error | undefined): void {
    if (this.#isIntercepting && this.#connection.isClosingError(error)) {
      this.#responseMask.deferDestroy(() => this.#callOriginal('destroy', error));
    } else if (this.#isIntercepting && this.#completion.response) this.#connection.destroy(error);
    else {
      this.#detachHandler();
      this.#unmask();
      this.#callOriginal('destroy', error);
    }
  }

  readonly #onConnectionClosed = (): void => {
    this.#buffer.clientDisconnected();
    this.#requestMask.clientDisconnected();
    this.#watchForAbort();
  };

  /** The answer flows, is too large to be kept, or has lost its client: from here on it may have to be cut off. */
  #watchForAbort(): void {
    if (!this.#signal) {
      this.#signal = this.#options.signal?.();
      this.#signal?.addEventListener('abort', this.#abortIfUseless);
      void this.ended.then(() => this.#signal?.removeEventListener('abort', this.#abortIfUseless));
    }
    // Not within the call that writes.
    process.nextTick(this.#abortIfUseless);
  }

  readonly #abortIfUseless = (): void => {
    const { isStreaming, isTooLarge } = this.#buffer;
    if (this.#completion.isSettled || !isStreaming) return;
    const hasLeft = this.#connection.isClosed;
    const isAborted = this.#signal?.aborted ?? false;
    if (isTooLarge ? !hasLeft && !isAborted : !hasLeft || !isAborted) return;
    this.#completion.settle(this.#buffer.finishAborted());
    this.#sources.destroyAll();
    this.abort();
  };

  /** Gives the answer to what stands on the response, as its handler would have. */
  #writeCaptured(answer: CapturedResponse, extra: readonly HeaderEntry[]): void {
    if (!answer.isStreaming) {
      for (const [name, value] of extra) this.#res.setHeader(name, value);
      setStatus(this.#res, answer);
    }
    endResponse(
      this.#res,
      answer.isStreaming ? this.#buffer.tail : (answer.body?.toBuffer() ?? Buffer.alloc(0)),
      answer.trailers,
    );
  }

  /** From here on the handler's side has no part in this response. */
  #detachHandler(): void {
    this.#completion.settle(null);
    this.#restoreResponse();
    this.#dryRun.close();
  }

  #unmask(): void {
    this.#responseMask.unmask();
    this.#requestMask.unmask();
  }

  #restoreResponse(): void {
    if (!this.#isIntercepting) return;
    this.#isIntercepting = false;
    this.#overrides.restoreAll();
    this.#responseMask.restore();
    this.#requestMask.restore();
    this.#buffer.markNothingSent();
    this.#connection.offClose(this.#onConnectionClosed);
    uncorkFully(this.#res);
  }

  async #trackSending(left: Promise<void>): Promise<void> {
    if (this.#isResponseHeld) this.#connection.responseSending();
    await left;
    if (this.#isResponseHeld) this.#connection.responseSent();
  }
}
