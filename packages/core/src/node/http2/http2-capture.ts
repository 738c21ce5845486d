// Holds a response over HTTP/2 back until the handler's side has ended it, as `capture.ts` does with one over HTTP/1.
//
// The same mechanism on other ground: own properties override the methods of the response, and the head is a snapshot. What
// differs is the stream below. It counts as answered from the head on, so that Node's own `setHeader` refuses what comes
// late (`stream-guard.ts`). A head is tried on a second response (`http2-head.ts`). The end of an answer that flows is the
// frame that ends the stream.
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { HeaderEntry } from '../../http/headers.js';
import type { CapturedResponse, ResponseHead, TrailerEntry } from '../../http/response.js';
import type { Capture, CaptureOptions } from '../capture/capture.js';
import { PipedSources } from '../capture/piped-sources.js';
import { ResponseCompletion } from '../capture/response-completion.js';
import { bindOriginalMethods, type CallOriginal } from '../intercept/original-methods.js';
import { PropertyOverrides } from '../intercept/property-overrides.js';
import { headersOf, setHeadersInOrder } from '../response-head.js';
import { Http2DisconnectMask } from './http2-disconnect-mask.js';
import { Http2ResponseBuffer } from './http2-response-buffer.js';
import { type Http2ResponseInterceptor, interceptHttp2Response } from './http2-response-interceptor.js';
import { isStreamClosed, resetStream } from './http2-stream.js';
import { endHttp2Response, sendHttp2AndWait } from './send-http2-response.js';
import { deferDestroy, StreamGuard } from './stream-guard.js';

export class Http2Capture implements Capture {
  readonly baselineHeaders: readonly HeaderEntry[];
  readonly ended: Promise<CapturedResponse | null>;
  readonly #completion = new ResponseCompletion();
  readonly #res: ServerResponse;
  readonly #stream: ServerHttp2Stream;
  readonly #options: CaptureOptions;
  readonly #initialStatus: number;
  readonly #initialSendDate: boolean;
  readonly #callOriginal: CallOriginal;
  readonly #overrides: PropertyOverrides;
  readonly #streamGuard: StreamGuard;
  readonly #disconnectMask: Http2DisconnectMask;
  readonly #buffer: Http2ResponseBuffer;
  readonly #interceptor: Http2ResponseInterceptor;
  readonly #sources: PipedSources;
  #signal: AbortSignal | undefined;
  #isIntercepting = true;
  #isDestroyDeferred = false;
  #sending: Promise<void> | undefined;

  constructor(res: ServerResponse, stream: ServerHttp2Stream, options: CaptureOptions) {
    this.#res = res;
    this.#stream = stream;
    this.#options = options;
    this.ended = this.#completion.promise;
    this.baselineHeaders = headersOf(res);
    this.#initialStatus = res.statusCode;
    this.#initialSendDate = res.sendDate;
    this.#callOriginal = bindOriginalMethods(res);
    this.#overrides = new PropertyOverrides(res);
    this.#streamGuard = new StreamGuard(stream);
    this.#sources = new PipedSources(res, () => this.endWithoutResponse());
    this.#disconnectMask = new Http2DisconnectMask(res, stream, this.#overrides);
    this.#buffer = new Http2ResponseBuffer({
      res,
      stream,
      maxOutcomeBytes: options.maxOutcomeBytes,
      sendHead: (status) => this.#sendHead(status),
      sendBytes: (bytes, taken) => this.#callOriginal('write', bytes, taken),
      onAbortPossible: () => this.#watchForAbort(),
    });
    this.#interceptor = interceptHttp2Response({
      res,
      overrides: this.#overrides,
      buffer: this.#buffer,
      onHead: (head) => this.#onHead(head),
      onEnd: (trailers, callback) => {
        if (callback) this.#callWhenSent(callback);
        this.#onEnd(trailers);
      },
      onDestroy: (error) => this.#onDestroy(error),
    });
    stream.once('close', this.#onStreamClosed);
  }

  endWithoutResponse(): void {
    this.#completion.settle(null);
  }

  send(extra: readonly HeaderEntry[] = []): Promise<void> {
    const { response } = this.#completion;
    if (!response || !this.#isIntercepting) return this.#sending ?? Promise.resolve();
    this.#restoreResponse();
    this.#sending = sendHttp2AndWait(this.#res, this.#options.onSendError, () => this.#writeCaptured(response, extra));
    this.#disconnectMask.unmask();
    return this.#sending;
  }

  discard(): boolean {
    if (this.#buffer.isStreaming || !this.#isIntercepting) return false;
    this.#detachHandler();
    for (const name of this.#res.getHeaderNames()) this.#res.removeHeader(name);
    for (const [name, value] of this.baselineHeaders) this.#res.setHeader(name, value);
    this.#res.statusCode = this.#initialStatus;
    // Last, because removing Date sets it.
    this.#res.sendDate = this.#initialSendDate;
    this.#disconnectMask.unmask();
    this.#deferDestroy();
    return true;
  }

  abort(): void {
    this.#detachHandler();
    this.#disconnectMask.unmask();
    resetStream(this.#stream);
  }

  #onHead(head: ResponseHead): void {
    setHeadersInOrder(this.#res, this.#callOriginal, head.headers);
    this.#res.statusCode = head.status;
    this.#buffer.headWritten(head);
    this.#streamGuard.headWritten();
  }

  #sendHead(status: number): void {
    this.#streamGuard.allowSending();
    this.#callOriginal('writeHead', status);
    this.#streamGuard.headSent();
  }

  #onEnd(trailers: readonly TrailerEntry[]): void {
    if (this.#completion.isSettled) return;
    this.#deferDestroy();
    this.#completion.settle(this.#buffer.finish(trailers));
  }

  #onDestroy(error: Error | undefined): void {
    // Put off while the answer is held.
    if (this.#isIntercepting && this.#completion.response) return void this.#stream.destroy(error);
    const isIncomplete = this.#buffer.isStreaming;
    this.#detachHandler();
    this.#disconnectMask.unmask();
    if (isIncomplete) resetStream(this.#stream);
    this.#callOriginal('destroy', error);
  }

  readonly #onStreamClosed = (): void => this.#buffer.clientDisconnected();

  #watchForAbort(): void {
    if (!this.#signal && this.#options.signal) {
      this.#signal = this.#options.signal();
      this.#signal.addEventListener('abort', this.#abortIfUseless);
      void this.ended.then(() => this.#signal?.removeEventListener('abort', this.#abortIfUseless));
    }
    // Not within the call that writes.
    process.nextTick(this.#abortIfUseless);
  }

  /** What is beyond `maxOutcomeBytes` is of no use to the record, nor to a client that has left. */
  readonly #abortIfUseless = (): void => {
    const { isStreaming, isTooLarge } = this.#buffer;
    if (this.#completion.isSettled || !isStreaming) return;
    const hasLeft = isStreamClosed(this.#stream);
    const isAborted = this.#signal?.aborted ?? false;
    if (isTooLarge ? !hasLeft && !isAborted : !hasLeft || !isAborted) return;
    this.#completion.settle(this.#buffer.finish([], false));
    this.#sources.destroyAll();
    this.abort();
  };

  /** Gives the answer to what stands on the response, as its handler would have. */
  #writeCaptured(answer: CapturedResponse, extra: readonly HeaderEntry[]): void {
    if (!answer.isStreaming) {
      for (const [name, value] of extra) this.#res.setHeader(name, value);
      this.#res.statusCode = answer.status;
    }
    endHttp2Response(
      this.#res,
      answer.isStreaming ? this.#buffer.tail : (answer.body?.toBuffer() ?? Buffer.alloc(0)),
      answer.trailers,
    );
  }

  #callWhenSent(callback: () => void): void {
    if (isStreamClosed(this.#stream)) this.#res.once('finish', callback);
    else this.#stream.once('finish', callback);
  }

  #deferDestroy(): void {
    if (this.#isDestroyDeferred) return;
    this.#isDestroyDeferred = true;
    deferDestroy(this.#stream);
  }

  /** From here on the handler's side has no part in this response. */
  #detachHandler(): void {
    this.#completion.settle(null);
    this.#restoreResponse();
  }

  #restoreResponse(): void {
    if (!this.#isIntercepting) return;
    this.#isIntercepting = false;
    this.#interceptor.close();
    this.#overrides.restoreAll();
    this.#disconnectMask.restore();
    this.#streamGuard.allowSending();
    this.#stream.off('close', this.#onStreamClosed);
  }
}
