// Takes the response of a handler: reads its body, or begins to stream it where it is too large to be held.
import { ConfigurationError } from '../errors.js';
import { ResponseBody } from '../http/response-body.js';
import { toBuffer } from './bytes.js';
import { declaredLength, isEventStream } from './response-headers.js';
import { isBodyless, usedResponseMessage } from './response-shape.js';
import { StreamingBody } from './streaming-body.js';

export interface CaptureOptions {
  /** The method of the request. */
  readonly method: string;
  /** Bytes of a body that are held back and recorded. A larger response is streamed. */
  readonly maxOutcomeBytes: number;
  /** Aborts when the attempt has lost its lease. Called only if the response streams. */
  readonly executionSignal: () => AbortSignal;
}

export interface CapturedWebResponse {
  /** As the handler returned it. Its body has been read, except where `held` is null. */
  readonly response: Response;
  /** The whole body. Null: there is none, or none is sent. */
  readonly held: ResponseBody | null;
  /** In place of `held`, a body that is sent while its source produces it. */
  readonly streaming: StreamingBody | null;
}

/** Rejects with what the source of the body failed with, and with a `ConfigurationError` where the body was read before. */
export async function captureWebResponse(response: Response, options: CaptureOptions): Promise<CapturedWebResponse> {
  // Status and headers first: on some servers, reading them is expensive once the body was asked for.
  const { status, headers } = response;
  const body = isBodyless(options.method, status) ? null : unreadBody(response);
  if (body === null) return { response, held: null, streaming: null };
  const source = body.getReader();
  const held = new ResponseBody();
  const stream = (readAlready: readonly Buffer[]): CapturedWebResponse => {
    const executionSignal = options.executionSignal();
    const { maxOutcomeBytes } = options;
    const length = declaredLength(headers);
    const parts = { source, readAlready, declaredLength: length, maxOutcomeBytes, executionSignal };
    return { response, held: null, streaming: new StreamingBody(parts) };
  };
  if (isEventStream(headers)) return stream([]);
  for (let next = await source.read(); !next.done; next = await source.read()) {
    const bytes = toBuffer(next.value);
    if (held.byteLength + bytes.length > options.maxOutcomeBytes) return stream([...held.blocks, bytes]);
    held.append(bytes);
  }
  return { response, held, streaming: null };
}

/** Throws a `ConfigurationError` where the body was read. Some servers throw another error then. */
function unreadBody(response: Response): ReadableStream<Uint8Array> | null {
  let cause: unknown;
  try {
    const { body } = response;
    if (body === null || !response.bodyUsed) return body;
  } catch (error) {
    cause = error;
  }
  throw new ConfigurationError('argument_invalid', usedResponseMessage, { cause });
}
