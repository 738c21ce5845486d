// Captures a response over HTTP/1. `capture.ts` explains how.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import type { CapturedResponse } from '../../http/response.js';
import { abortResponse, type ClientConnection, connectionOf } from '../disconnect/client-connection.js';
import { RequestDisconnectMask } from '../disconnect/request-disconnect-mask.js';
import { ResponseDisconnectMask } from '../disconnect/response-disconnect-mask.js';
import { DryRun } from '../intercept/dry-run.js';
import { interceptResponse } from '../intercept/response-interceptor.js';
import { endResponse, sendAndWait, setStatus, whenSentOrClosed } from '../send-response.js';
import { BaseCapture } from './base-capture.js';
import type { CaptureOptions } from './capture.js';
import { type ResponseSettings, resetResponse, settingsOf, uncorkFully } from './reset-response.js';
import { ResponseBuffer } from './response-buffer.js';

export class Http1Capture extends BaseCapture {
  protected readonly buffer: ResponseBuffer;
  readonly #connection: ClientConnection;
  readonly #initialSettings: ResponseSettings;
  readonly #dryRun: DryRun;
  readonly #responseMask: ResponseDisconnectMask;
  readonly #requestMask: RequestDisconnectMask;
  #isDestroyDeferred = false;

  constructor(req: IncomingMessage, res: ServerResponse, options: CaptureOptions) {
    super(res, options);
    const { callOriginal, overrides } = this;
    this.#initialSettings = settingsOf(res);
    this.#dryRun = new DryRun(req, res);
    this.buffer = new ResponseBuffer(res, callOriginal, options, () => this.watchForAbort());
    this.#responseMask = new ResponseDisconnectMask(res, overrides);
    this.#connection = connectionOf(req);
    this.#requestMask = new RequestDisconnectMask(req, this.#connection);
    this.#connection.onClose(this.#onConnectionClosed);
    if (this.#connection.isClosed) this.buffer.clientDisconnected();
    interceptResponse({
      res,
      callOriginal,
      overrides,
      dryRun: this.#dryRun,
      buffer: this.buffer,
      onEnd: (trailers) => this.onEnd(trailers),
      onDestroy: (error) => this.#onDestroy(error),
    });
  }

  protected get isClientGone(): boolean {
    return this.#connection.isClosed;
  }

  protected restoreResponse(): void {
    this.overrides.restoreAll();
    this.#responseMask.restore();
    this.#requestMask.restore();
    this.buffer.markNothingSent();
    this.#connection.offClose(this.#onConnectionClosed);
    uncorkFully(this.res);
  }

  protected resetResponse(): void {
    resetResponse(this.res, this.#initialSettings, this.baselineHeaders);
  }

  protected writeCaptured(response: CapturedResponse, extra: readonly HeaderEntry[]): Promise<void> {
    const { res } = this;
    return sendAndWait(res, this.options.onSendError, () => {
      if (!response.isStreaming) {
        for (const [name, value] of extra) res.setHeader(name, value);
        setStatus(res, response);
      }
      endResponse(res, this.unsentBytes(response), response.trailers);
    });
  }

  protected unmask(): void {
    this.#responseMask.unmask();
    this.#requestMask.unmask();
  }

  protected closeConnection(): void {
    abortResponse(this.res);
  }

  protected deferDestroy(): void {
    this.#isDestroyDeferred = true;
    this.#connection.responseHeld();
  }

  protected async trackSending(sent: Promise<void>): Promise<void> {
    if (this.#isDestroyDeferred) this.#connection.responseSending();
    await sent;
    if (this.#isDestroyDeferred) this.#connection.responseSent();
  }

  protected trackReplacement(): void {
    void this.trackSending(whenSentOrClosed(this.res));
  }

  protected override detachHandler(): void {
    super.detachHandler();
    this.#dryRun.close();
  }

  #onDestroy(error: Error | undefined): void {
    if (this.isIntercepting && this.#connection.isClosingError(error)) {
      this.#responseMask.deferDestroy(() => this.callOriginal('destroy', error));
    } else if (this.isIntercepting && this.completion.response) this.#connection.destroy(error);
    else {
      this.detachHandler();
      this.unmask();
      this.callOriginal('destroy', error);
    }
  }

  readonly #onConnectionClosed = (): void => {
    this.buffer.clientDisconnected();
    this.#requestMask.clientDisconnected();
    this.watchForAbort();
  };
}
