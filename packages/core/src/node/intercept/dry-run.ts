// Tries each call on a shadow response without a client first, so that Node itself decides what it refuses.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import type { ResponseHead } from '../../http/response.js';
import { headersOf, isBodyless, parseWriteHeadHeaders } from '../response-head.js';
import { callNativeWriteHead, defineNativeMethods } from './native-methods.js';
import { HEADER_REMOVAL_FLAGS, internalsOf } from './response-internals.js';

/** Creates the shadow response with the first call that needs it. */
export class DryRun {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  #shadow: ShadowResponse | undefined;
  #skippedHeadText: string | undefined;
  #isClosed = false;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.#res = res;
  }

  /** The value of `res._header` once the head is written. Middleware reads it. */
  get headText(): unknown {
    return internalsOf(this.#lazyShadow)._header;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ended or closed: every further write is refused. */
  get isFinished(): boolean {
    return this.#isClosed || this.#skippedHeadText !== undefined || this.#shadow?.writableEnded === true;
  }

  /** No call was tried so far. */
  get isUntouched(): boolean {
    return !this.#shadow && !this.isFinished;
  }

  get isChunked(): boolean {
    return this.#shadow?.chunkedEncoding ?? false;
  }

  /** The head is written, and Node accepts any text and any bytes after it. A dry run of them would only cost time. */
  get acceptsAnyBytes(): boolean {
    const shadow = this.#shadow;
    if (!shadow || this.isFinished || !shadow.headersSent || shadow.destroyed) return false;
    return !this.#res.strictContentLength && !isBodyless(this.#req, shadow.statusCode);
  }

  /** Does on the shadow response what the handler does on its own. Throws what Node throws. */
  run<T>(action: (shadow: ServerResponse) => T): T {
    const shadow = this.#lazyShadow;
    shadow.strictContentLength = this.#res.strictContentLength;
    try {
      return action(shadow);
    } catch (error) {
      // Half a head must not remain: an error handler may still send a proper response.
      if (!shadow.headersSent) this.#shadow = new ShadowResponse(this.#req, this.#res);
      throw error;
    }
  }

  /** The head that `writeHead(...args)` writes. */
  writeHead(args: readonly unknown[]): ResponseHead {
    return this.run((shadow) => {
      const before = headersOf(this.#res);
      if (!shadow.headersSent) copyHead(shadow, this.#res, before);
      callNativeWriteHead(shadow, args);
      // Node merges the arguments into the headers that were set before, and each version does it in its own way. Where none
      // were set, Node only writes the arguments to the head, and the shadow does not have them as headers.
      const headers = before.length > 0 ? headersOf(shadow) : parseWriteHeadHeaders(args);
      return { status: shadow.statusCode, reason: shadow.statusMessage, headers };
    });
  }

  /** The whole response was captured without a dry run (see `simple-response.ts`). `headText` is the text of its head. */
  skip(headText: string): void {
    this.#skippedHeadText = headText;
  }

  /** From here on the handler's calls change nothing. Node refuses its writes as on a destroyed response. */
  close(): void {
    this.#isClosed = true;
    this.#shadow?.destroy();
  }

  get #lazyShadow(): ShadowResponse {
    if (this.#shadow) return this.#shadow;
    this.#shadow = new ShadowResponse(this.#req, this.#res);
    if (this.#skippedHeadText !== undefined)
      Object.assign(internalsOf(this.#shadow), { _header: this.#skippedHeadText, finished: true });
    if (this.#isClosed) this.#shadow.destroy();
    return this.#shadow;
  }
}

/** Has no socket, and keeps nothing of what is written to it. Patches of Node's prototypes do not see its calls. */
class ShadowResponse extends ServerResponse {
  readonly #res: ServerResponse;

  constructor(req: IncomingMessage, res: ServerResponse) {
    super(req, ...serverOptions(req));
    this.#res = res;
    // A write after `end` emits 'error', and without a listener that ends the process. In plain Node this can happen only in
    // the moment until the response is sent. Here that moment lasts as long as the store call.
    this.on('error', (error) => {
      if (res.listenerCount('error') > 0) res.emit('error', error);
    });
  }

  /** Writes the implicit head through the response, so that middleware which patched its `writeHead` sees it. */
  override writeHead(): this {
    if (this.destroyed) callNativeWriteHead(this, [this.statusCode]);
    else this.#res.writeHead(this.#res.statusCode);
    return this;
  }

  /** Node passes the bytes to the socket here. A socket refuses an unknown encoding, so this does, too. */
  _writeRaw(data: unknown, encoding: unknown): boolean {
    if (typeof data === 'string' && typeof encoding === 'string') Buffer.from('', encoding as BufferEncoding);
    return true;
  }
}

defineNativeMethods(ShadowResponse.prototype);

/** `rejectNonStandardBodyWrites` is the only server option that changes what Node refuses. The response hides it. */
function serverOptions(req: IncomingMessage): [] {
  const { socket }: { socket?: object | null } = req;
  const server: unknown = socket && Reflect.get(socket, 'server');
  const isServer = typeof server === 'object' && server !== null;
  const options = {
    rejectNonStandardBodyWrites: isServer && Reflect.get(server, 'rejectNonStandardBodyWrites') === true,
  };
  // The types do not declare this argument.
  return [options] as unknown as [];
}

/** Copies everything that `writeHead` reads from the response to the shadow. */
function copyHead(shadow: ServerResponse, res: ServerResponse, headers: readonly HeaderEntry[]): void {
  for (const [name, value] of headers) shadow.setHeader(name, value);
  for (const flag of HEADER_REMOVAL_FLAGS) Reflect.set(shadow, flag, Reflect.get(res, flag));
  shadow.statusMessage = res.statusMessage;
  shadow.useChunkedEncodingByDefault = res.useChunkedEncodingByDefault;
}
