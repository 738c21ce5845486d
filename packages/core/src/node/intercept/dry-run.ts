// A second response without a client, on which the answer is played first: what Node refuses, it refuses there.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import type { ResponseHead } from '../../http/response.js';
import { headersOf, isBodyless, parseWriteHeadHeaders } from '../response-head.js';
import { callNativeWriteHead, defineNativeMethods } from './native-methods.js';
import { internalsOf } from './property-overrides.js';

/** What Node remembers of headers that were removed, and that decides about framing. Kept on the response itself. */
export const HEADER_REMOVAL_FLAGS = ['sendDate', '_removedConnection', '_removedContLen', '_removedTE'] as const;

/** The stage is made when something is played for the first time. */
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

  /** What `res._header` holds once the head is written. Middleware asks for it. */
  get headText(): unknown {
    return internalsOf(this.#lazyShadow)._header;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ended, or retired: whatever is still written is refused. */
  get isFinished(): boolean {
    return this.#isClosed || this.#skippedHeadText !== undefined || this.#shadow?.writableEnded === true;
  }

  /** Nothing has been written or tried so far. */
  get isUntouched(): boolean {
    return !this.#shadow && !this.isFinished;
  }

  get isChunked(): boolean {
    return this.#shadow?.chunkedEncoding ?? false;
  }

  /** The head is written, and Node refuses no text and no bytes that follow it: to rehearse them would only take time. */
  get acceptsAnyBytes(): boolean {
    const stage = this.#shadow;
    if (!stage || this.isFinished || !stage.headersSent || stage.destroyed) return false;
    return !this.#res.strictContentLength && !isBodyless(this.#req, stage.statusCode);
  }

  /** Does on the rehearsal's response what the handler asks of its own, or throws what Node throws. */
  run<T>(action: (stage: ServerResponse) => T): T {
    const stage = this.#lazyShadow;
    stage.strictContentLength = this.#res.strictContentLength;
    try {
      return action(stage);
    } catch (error) {
      // Half a head must not stay: an error handler may answer properly after this.
      if (!stage.headersSent) this.#shadow = new ShadowResponse(this.#req, this.#res);
      throw error;
    }
  }

  /** The head, written with exactly these arguments. */
  writeHead(args: readonly unknown[]): ResponseHead {
    return this.run((on) => {
      const before = headersOf(this.#res);
      if (!on.headersSent) copyHead(on, this.#res, before);
      callNativeWriteHead(on, args);
      // Node merges the headers given into those that it finds, each version in its own way. Where it finds none, it only
      // writes them.
      const headers = before.length > 0 ? headersOf(on) : parseWriteHeadHeaders(args);
      return { status: on.statusCode, reason: on.statusMessage, headers };
    });
  }

  /** The whole answer was given, of a kind that needs no rehearsal. `headText` is what its head looks like. */
  skip(headText: string): void {
    this.#skippedHeadText = headText;
  }

  /**
   * Cuts the connection between the two: whatever the handler's side still does has no effect on the response, and what
   * it writes is refused as on a response that was destroyed.
   */
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

/** It has no socket, and keeps nothing of what is written to it. Patches of Node's prototypes do not see it. */
class ShadowResponse extends ServerResponse {
  readonly #res: ServerResponse;

  constructor(req: IncomingMessage, res: ServerResponse) {
    super(req, ...serverOptions(req));
    this.#res = res;
    // Without a listener the process would end. Plain Node risks that only until the answer has left, a moment after
    // `end`; here that moment lasts as long as the store takes.
    this.on('error', (error) => {
      if (res.listenerCount('error') > 0) res.emit('error', error);
    });
  }

  /** The head that Node writes by itself goes through the response, so that layers which patched its writeHead see it. */
  override writeHead(): this {
    if (this.destroyed) callNativeWriteHead(this, [this.statusCode]);
    else this.#res.writeHead(this.#res.statusCode);
    return this;
  }

  /** What Node would give to the socket, which knows its encodings. */
  _writeRaw(data: unknown, encoding: unknown): boolean {
    if (typeof data === 'string' && typeof encoding === 'string') Buffer.from('', encoding as BufferEncoding);
    return true;
  }
}

defineNativeMethods(ShadowResponse.prototype);

/** The only option of the server that changes what is refused; Node keeps it out of reach on the response. */
function serverOptions(req: IncomingMessage): [] {
  const { socket }: { socket?: object | null } = req;
  const server: unknown = socket && Reflect.get(socket, 'server');
  const isServer = typeof server === 'object' && server !== null;
  const options = {
    rejectNonStandardBodyWrites: isServer && Reflect.get(server, 'rejectNonStandardBodyWrites') === true,
  };
  // The types do not know this argument.
  return [options] as unknown as [];
}

/** Makes the rehearsal's response what the handler's is just before its head is written. */
function copyHead(shadow: ServerResponse, res: ServerResponse, headers: readonly HeaderEntry[]): void {
  for (const [name, value] of headers) shadow.setHeader(name, value);
  for (const mark of HEADER_REMOVAL_FLAGS) Reflect.set(shadow, mark, Reflect.get(res, mark));
  shadow.statusMessage = res.statusMessage;
  shadow.useChunkedEncodingByDefault = res.useChunkedEncodingByDefault;
}
