// Captures a response over HTTP/2. `capture/capture.ts` explains how; this is what differs over HTTP/2:
//
// - Node's own `setHeader` must refuse late headers. For that, the stream shows its head as sent once the head is written
//   (`stream-guard.ts`).
// - Only the head is tried on a shadow response (`http2-head.ts`).
// - The end that is held back from a streaming response is the frame that ends the stream.
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { HeaderEntry } from '../../http/headers.js';
import type { CapturedResponse, ResponseHead } from '../../http/response.js';
import { BaseCapture } from '../capture/base-capture.js';
import type { CaptureOptions } from '../capture/capture.js';
import { setHeadersInOrder } from '../response-head.js';
import { Http2DisconnectMask } from './http2-disconnect-mask.js';
import { Http2ResponseBuffer } from './http2-response-buffer.js';
import { type Http2ResponseInterceptor, interceptHttp2Response } from './http2-response-interceptor.js';
import { isStreamClosed, resetStream } from './http2-stream.js';
import { endHttp2Response, sendHttp2AndWait } from './send-http2-response.js';
import { deferDestroy, StreamGuard } from './stream-guard.js';

export class Http2Capture extends BaseCapture {
  protected readonly buffer: Http2ResponseBuffer;
  readonly #stream: ServerHttp2Stream;
  readonly #initialStatus: number;
  readonly #initialSendDate: boolean;
  readonly #streamGuard: StreamGuard;
  readonly #disconnectMask: Http2DisconnectMask;
  readonly #interceptor: Http2ResponseInterceptor;
  #isDestroyDeferred = false;

  constructor(res: ServerResponse, stream: ServerHttp2Stream, options: CaptureOptions) {
    super(res, options);
    this.#stream = stream;
    this.#initialStatus = res.statusCode;
    this.#initialSendDate = res.sendDate;
    this.#streamGuard = new StreamGuard(stream);
    this.#disconnectMask = new Http2DisconnectMask(res, stream, this.overrides);
    this.buffer = new Http2ResponseBuffer({
      res,
      stream,
      maxOutcomeBytes: options.maxOutcomeBytes,
      sendHead: (status) => this.#sendHead(status),
      sendBytes: (bytes, callback) => this.callOriginal('write', bytes, callback),
      onAbortPossible: () => this.watchForAbort(),
    });
    this.#interceptor = interceptHttp2Response({
      res,
      overrides: this.overrides,
      buffer: this.buffer,
      onHead: (head) => this.#onHead(head),
      onEnd: (trailers, callback) => {
        if (callback) this.#callWhenSent(callback);
        this.onEnd(trailers);
      },
      onDestroy: (error) => this.#onDestroy(error),
    });
    stream.once('close', this.#onStreamClosed);
  }

  protected get isClientGone(): boolean {
    return isStreamClosed(this.#stream);
  }

  protected restoreResponse(): void {
    this.#interceptor.close();
    this.overrides.restoreAll();
    this.#disconnectMask.restore();
    this.#streamGuard.allowSending();
    this.#stream.off('close', this.#onStreamClosed);
  }

  protected resetResponse(): void {
    const { res } = this;
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    for (const [name, value] of this.baselineHeaders) res.setHeader(name, value);
    res.statusCode = this.#initialStatus;
    // Last, because removing Date sets it.
    res.sendDate = this.#initialSendDate;
  }

  protected writeCaptured(response: CapturedResponse, extra: readonly HeaderEntry[]): Promise<void> {
    const { res } = this;
    return sendHttp2AndWait(res, this.options.onSendError, () => {
      if (!response.isStreaming) {
        for (const [name, value] of extra) res.setHeader(name, value);
        res.statusCode = response.status;
      }
      endHttp2Response(res, this.unsentBytes(response), response.trailers);
    });
  }

  protected unmask(): void {
    this.#disconnectMask.unmask();
  }

  protected closeConnection(): void {
    resetStream(this.#stream);
  }

  protected deferDestroy(): void {
    if (this.#isDestroyDeferred) return;
    this.#isDestroyDeferred = true;
    deferDestroy(this.#stream);
  }

  /** The stream itself notices when the response was sent. */
  protected trackSending(sent: Promise<void>): Promise<void> {
    return sent;
  }

  protected trackReplacement(): void {
    this.deferDestroy();
  }

  #onHead(head: ResponseHead): void {
    setHeadersInOrder(this.res, this.callOriginal, head.headers);
    this.res.statusCode = head.status;
    this.buffer.headWritten(head);
    this.#streamGuard.headWritten();
  }

  #sendHead(status: number): void {
    this.#streamGuard.allowSending();
    this.callOriginal('writeHead', status);
    this.#streamGuard.headSent();
  }

  #onDestroy(error: Error | undefined): void {
    // The response has ended and is held: `deferDestroy` makes this wait.
    if (this.isIntercepting && this.completion.response) return void this.#stream.destroy(error);
    const isIncomplete = this.buffer.isStreaming;
    this.detachHandler();
    this.unmask();
    if (isIncomplete) resetStream(this.#stream);
    this.callOriginal('destroy', error);
  }

  readonly #onStreamClosed = (): void => this.buffer.clientDisconnected();

  #callWhenSent(callback: () => void): void {
    if (isStreamClosed(this.#stream)) this.res.once('finish', callback);
    else this.#stream.once('finish', callback);
  }
}
