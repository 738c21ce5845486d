// A second response without a client, on which the answer is played first: what Node refuses, it refuses there.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderEntry } from '../http/headers.js';
import { type Head, headersIn, headersOf, isBodyless } from './head.js';
import { restoreOriginals, writeHeadOriginally } from './originals.js';
import { insidesOf } from './overlay.js';

/** What Node remembers of headers that were removed, and that decides about framing. Kept on the response itself. */
export const REMOVAL_MARKS = ['sendDate', '_removedConnection', '_removedContLen', '_removedTE'] as const;

/** The stage is made when something is played for the first time. */
export class Rehearsal {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  #stage: Stage | undefined;
  #skipped: string | undefined;
  #isRetired = false;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.#res = res;
  }

  /** What `res._header` holds once the head is written. Middleware asks for it. */
  get headText(): unknown {
    return insidesOf(this.#onStage)._header;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Ended, or retired: whatever is still written is refused. */
  get isOver(): boolean {
    return this.#isRetired || this.#skipped !== undefined || this.#stage?.writableEnded === true;
  }

  /** Nothing has been written or tried so far. */
  get isUntouched(): boolean {
    return !this.#stage && !this.isOver;
  }

  get chunked(): boolean {
    return this.#stage?.chunkedEncoding ?? false;
  }

  /** The head is written, and Node refuses no text and no bytes that follow it: to rehearse them would only take time. */
  get takesAllBytes(): boolean {
    const stage = this.#stage;
    if (!stage || this.isOver || !stage.headersSent || stage.destroyed) return false;
    return !this.#res.strictContentLength && !isBodyless(this.#req, stage.statusCode);
  }

  /** Does on the rehearsal's response what the handler asks of its own, or throws what Node throws. */
  play<T>(action: (stage: ServerResponse) => T): T {
    const stage = this.#onStage;
    stage.strictContentLength = this.#res.strictContentLength;
    try {
      return action(stage);
    } catch (error) {
      // Half a head must not stay: an error handler may answer properly after this.
      if (!stage.headersSent) this.#stage = new Stage(this.#req, this.#res);
      throw error;
    }
  }

  /** The head, written with exactly these arguments. */
  writeHead(args: readonly unknown[]): Head {
    return this.play((on) => {
      const before = headersOf(this.#res);
      if (!on.headersSent) dress(on, this.#res, before);
      writeHeadOriginally(on, args);
      // Node merges the headers given into those that it finds, each version in its own way. Where it finds none, it only
      // writes them.
      const headers = before.length > 0 ? headersOf(on) : headersIn(args);
      return { status: on.statusCode, reason: on.statusMessage, headers };
    });
  }

  /** The whole answer was given, of a kind that needs no rehearsal. `headText` is what its head looks like. */
  skip(headText: string): void {
    this.#skipped = headText;
  }

  /**
   * Cuts the connection between the two: whatever the handler's side still does has no effect on the response, and what
   * it writes is refused as on a response that was destroyed.
   */
  retire(): void {
    this.#isRetired = true;
    this.#stage?.destroy();
  }

  get #onStage(): Stage {
    if (this.#stage) return this.#stage;
    this.#stage = new Stage(this.#req, this.#res);
    if (this.#skipped !== undefined) Object.assign(insidesOf(this.#stage), { _header: this.#skipped, finished: true });
    if (this.#isRetired) this.#stage.destroy();
    return this.#stage;
  }
}

/** It has no socket, and keeps nothing of what is written to it. Patches of Node's prototypes do not see it. */
class Stage extends ServerResponse {
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
    if (this.destroyed) writeHeadOriginally(this, [this.statusCode]);
    else this.#res.writeHead(this.#res.statusCode);
    return this;
  }

  /** What Node would give to the socket, which knows its encodings. */
  _writeRaw(data: unknown, encoding: unknown): boolean {
    if (typeof data === 'string' && typeof encoding === 'string') Buffer.from('', encoding as BufferEncoding);
    return true;
  }
}

restoreOriginals(Stage.prototype);

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
function dress(stage: ServerResponse, res: ServerResponse, headers: readonly HeaderEntry[]): void {
  for (const [name, value] of headers) stage.setHeader(name, value);
  for (const mark of REMOVAL_MARKS) Reflect.set(stage, mark, Reflect.get(res, mark));
  stage.statusMessage = res.statusMessage;
  stage.useChunkedEncodingByDefault = res.useChunkedEncodingByDefault;
}
