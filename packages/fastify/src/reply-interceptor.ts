// Takes the reply in the first onSend hook of its route, and decides what goes on from there.
//
//   waiting ──▶ running ──▶ holding ──▶ released
//      │           ▲           │
//      │           └───────────┘  not to be held, or its stream broke: an error handler replies
//      └──────▶ replaying ─────────────▲
import { STATUS_CODES } from 'node:http';
import { type CapturedResponse, type OutgoingResponse, ResponseBody } from '@onceguard/core/http';
import type { FastifyReply } from 'fastify';
import { replaceReply } from './outgoing-reply.js';
import { headersOf, isBodyless, isSameHead, isSendable, setHead } from './reply-head.js';
import { readPayload } from './reply-payload.js';

type Phase = 'waiting' | 'running' | 'holding' | 'replaying' | 'released';

/** What is sent in place of the payload that is held: another response, or the payload itself, with more headers. */
export type Decision = { readonly replacement: OutgoingResponse } | { readonly extra: CapturedResponse['headers'] };

const never = new Promise<never>(() => {});

export class ReplyInterceptor {
  /** Resolves when a reply is held. The handler, an error handler or a time-out has given it. */
  readonly held: Promise<CapturedResponse>;
  readonly #reply: FastifyReply;
  readonly #maxBytes: number;
  #phase: Phase = 'waiting';
  #hasOuterReply = false;
  #usesTrailers = false;
  #replaceReplay: (() => unknown) | undefined;
  #resolveHeld: (response: CapturedResponse) => void = () => {};
  #decide: (decision: Decision) => void = () => {};

  constructor(reply: FastifyReply, maxBytes: number) {
    this.#reply = reply;
    this.#maxBytes = maxBytes;
    this.held = new Promise((resolve) => {
      this.#resolveHeld = resolve;
    });
  }

  get isHolding(): boolean {
    return this.#phase === 'holding';
  }

  /** Something outside has replied before the handler was entered. */
  get hasOuterReply(): boolean {
    return this.#hasOuterReply;
  }

  /** The handler is entered: the next reply is held. */
  start(): void {
    this.#phase = 'running';
    this.#noticeTrailers();
  }

  /** `replace` is called once the hooks of the application have worked on the replay, and returns the payload that is sent. */
  startReplay(replace: () => unknown): void {
    this.#phase = 'replaying';
    this.#replaceReplay = replace;
  }

  /** Sends what is held, or a replacement. */
  release(decision: Decision): void {
    this.#decide(decision);
  }

  /** From here on every reply passes. */
  stop(): void {
    this.#phase = 'released';
  }

  /** The hook. Undefined leaves the payload as it is. */
  async onSend(payload: unknown): Promise<unknown> {
    switch (this.#phase) {
      case 'waiting':
        this.#hasOuterReply = true;
        return undefined;
      case 'running':
        return await this.#hold(payload);
      case 'holding':
        // A second reply, by a time-out while the first is recorded, or by Fastify 4 after its client has disconnected: the first counts.
        return await never;
      case 'replaying':
        this.#phase = 'released';
        return this.#replaceReplay?.();
      case 'released':
        return undefined;
    }
  }

  async #hold(given: unknown): Promise<unknown> {
    this.#phase = 'holding';
    try {
      const { body, payload } = await readPayload(this.#reply, given, this.#maxBytes);
      const response = body === null || this.#usesTrailers ? null : this.#toResponse(body);
      if (response !== null && isSendable(response.headers)) return await this.#awaitDecision(response, payload);
      // The capture of the raw response records it: it streams, it has trailers, or Fastify or Node refuses it.
      this.#phase = 'running';
      return payload;
    } catch (error) {
      this.#phase = 'running';
      throw error;
    }
  }

  async #awaitDecision(response: CapturedResponse, payload: unknown): Promise<unknown> {
    const decided = new Promise<Decision>((resolve) => {
      this.#decide = resolve;
    });
    this.#resolveHeld(response);
    const decision = await decided;
    this.#phase = 'released';
    if ('replacement' in decision) return replaceReply(this.#reply, decision.replacement);
    // A second reply, which did not get through, may have changed the head.
    if (!isSameHead(this.#reply, response)) setHead(this.#reply, response);
    for (const [name, value] of decision.extra) this.#reply.header(name, value);
    return payload;
  }

  #toResponse(body: ResponseBody): CapturedResponse {
    const reply = this.#reply;
    const status = reply.statusCode;
    const headers = headersOf(reply).filter(([name]) => status !== 204 || name !== 'content-type');
    const bytes = isBodyless(reply) ? new ResponseBody() : body;
    const reason = reasonOf(reply) ?? STATUS_CODES[status] ?? '';
    return { status, reason, headers, trailers: [], body: bytes, size: bytes.byteLength, isStreaming: false };
  }

  /** Fastify asks the functions that make the trailers after the onSend hooks. */
  #noticeTrailers(): void {
    const reply = this.#reply;
    const { trailer } = reply;
    const noticing: typeof trailer = (name, make) => {
      this.#usesTrailers = true;
      return trailer.call(reply, name, make);
    };
    Object.defineProperty(reply, 'trailer', { value: noticing, configurable: true, writable: true });
  }
}

/** Undefined over HTTP/2, which has no reason phrase, and where nobody has set one. */
function reasonOf({ raw, request }: FastifyReply): string | undefined {
  return request.raw.httpVersionMajor < 2 ? raw.statusMessage : undefined;
}
