// A request whose body was read, and that gives it once more.

/**
 * The body of a request, which its handler reads after the bytes were compared. `clone()` would keep the request as it is, but it costs
 * several times as much as all the rest, because it splits a stream in two.
 */
class BufferedBody {
  readonly bytes: Uint8Array;
  readonly #contentType: string | null;
  /** Made for what is rarely read: a stream, a form or a blob. It has the state of the body from then on. */
  #response: Response | undefined;
  #isRead = false;

  constructor(bytes: Uint8Array, contentType: string | null) {
    this.bytes = bytes;
    this.#contentType = contentType;
  }

  get isUsed(): boolean {
    return this.#isRead || (this.#response?.bodyUsed ?? false);
  }

  /** As on any request, null where there is no body. */
  get stream(): ReadableStream<Uint8Array> | null {
    return this.bytes.byteLength === 0 ? null : this.#asResponse().body;
  }

  rewind(): void {
    this.#response = undefined;
    this.#isRead = false;
  }

  async text(): Promise<string> {
    return this.#response === undefined ? new TextDecoder().decode(this.#read()) : await this.#response.text();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#response === undefined ? copyOf(this.#read()) : await this.#response.arrayBuffer();
  }

  async blob(): Promise<Blob> {
    this.#assertUnused();
    return await this.#asResponse().blob();
  }

  async formData(): Promise<FormData> {
    this.#assertUnused();
    return await this.#asResponse().formData();
  }

  copyFor(request: Request): Request {
    this.#assertUnused();
    const body = this.bytes.byteLength === 0 ? null : this.bytes;
    const copy = new Request(request.url, { method: request.method, headers: request.headers, body });
    Object.defineProperty(copy, 'signal', { configurable: true, get: () => request.signal });
    return copy;
  }

  #read(): Uint8Array {
    this.#assertUnused();
    this.#isRead = this.bytes.byteLength > 0;
    return this.bytes;
  }

  #asResponse(): Response {
    const headers = this.#contentType === null ? {} : { 'content-type': this.#contentType };
    this.#response ??= new Response(this.bytes, { headers });
    return this.#response;
  }

  #assertUnused(): void {
    if (this.isUsed) throw new TypeError('Body is unusable: it has already been read.');
  }
}

/** Of the registry of symbols: another copy of this package may have read the body. */
const bodyKey = Symbol.for('onceguard.body/1');

interface BufferedRequest extends Request {
  [bodyKey]: BufferedBody;
}

/**
 * Lets the request give this body once more: by its own methods, `body` and `clone()`. It can no longer be the input of
 * `new Request(request)` or `fetch(request)`, which look behind these methods; a clone of it can.
 */
export function giveBodyAgain(request: Request, bytes: Uint8Array): void {
  const buffered = request as BufferedRequest;
  buffered[bodyKey] = new BufferedBody(bytes, request.headers.get('content-type'));
  Object.defineProperties(buffered, properties);
}

/** The bytes of a request that was read before, which it gives again from its beginning. Undefined: it was not. */
export function rewindBody(request: Request): Uint8Array | undefined {
  const body = (request as Partial<BufferedRequest>)[bodyKey];
  body?.rewind();
  return body?.bytes;
}

/** Defined and not assigned: some servers have requests whose methods are read-only. */
const properties: PropertyDescriptorMap = {
  body: getter((body) => body.stream),
  bodyUsed: getter((body) => body.isUsed),
  text: method((body) => body.text()),
  json: method(async (body) => JSON.parse(await body.text())),
  arrayBuffer: method((body) => body.arrayBuffer()),
  bytes: method(async (body) => new Uint8Array(await body.arrayBuffer())),
  blob: method((body) => body.blob()),
  formData: method((body) => body.formData()),
  clone: method((body, request) => body.copyFor(request)),
};

function getter<T>(read: (body: BufferedBody) => T): PropertyDescriptor {
  return {
    configurable: true,
    get(this: BufferedRequest) {
      return read(this[bodyKey]);
    },
  };
}

function method<T>(call: (body: BufferedBody, request: Request) => T): PropertyDescriptor {
  return {
    configurable: true,
    writable: true,
    value(this: BufferedRequest) {
      return call(this[bodyKey], this);
    },
  };
}

function copyOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
