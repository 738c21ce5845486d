// What Node's own methods keep on a response, and its types do not declare.
import type { ServerResponse } from 'node:http';

export interface ResponseInternals {
  /** The text of the head, once it is written. */
  _header: unknown;
  /** `end` was called. */
  finished: boolean;
  /** How many bytes wait in the response itself. `writableLength` adds those of the socket. `writableFinished` is false while any wait. */
  outputSize: number;
  destroyed: boolean;
  /** 'close' was emitted. */
  _closed: boolean;
  socket: unknown;
  /** Among `HEADER_REMOVAL_FLAGS`. */
  readonly _removedConnection: unknown;
  readonly _removedContLen: unknown;
  readonly _removedTE: unknown;
}

/** Node notes removed headers in these properties. They decide about framing. */
export const HEADER_REMOVAL_FLAGS = ['sendDate', '_removedConnection', '_removedContLen', '_removedTE'] as const;

export function internalsOf(res: ServerResponse): ResponseInternals {
  return res as unknown as ResponseInternals;
}
