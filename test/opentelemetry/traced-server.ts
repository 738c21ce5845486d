// A server with the SDK of OpenTelemetry in a process of its own, and the spans that it made.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { redisUrl } from '../support/redis.js';

export interface PlainSpan {
  readonly name: string;
  readonly kind: number;
  readonly status: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface TracedServer {
  /** Sends a payment under a key. Resolves with its status and what it says about replays. */
  pay(key: string, body?: object): Promise<string>;
  /** All spans that have ended. */
  spans(): Promise<PlainSpan[]>;
  stop(): Promise<void>;
}

export async function startTracedServer(prefix: string): Promise<TracedServer> {
  const file = fileURLToPath(new URL('processes/traced-server.cjs', import.meta.url));
  const child = fork(file, [JSON.stringify({ redisUrl: redisUrl(), prefix })], {
    execArgv: ['--disable-warning=OnceguardWarning'],
  });
  const { port } = await nextMessage<{ port: number }>(child);
  return {
    pay: async (key, body = {}) => {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
      const request = { method: 'POST', headers, body: JSON.stringify(body) };
      const response = await fetch(`http://127.0.0.1:${port}/payments/shop-7`, request);
      await response.text();
      return response.headers.has('Idempotent-Replayed') ? `${response.status} replayed` : `${response.status}`;
    },
    spans: async () => {
      child.send('spans');
      return (await nextMessage<{ spans: PlainSpan[] }>(child)).spans;
    },
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}

async function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  const answered = new AbortController();
  const message = once(child, 'message', answered);
  const gone = once(child, 'exit', answered).then(
    () => Promise.reject(new Error(`The server ended: ${child.exitCode}`)),
    () => [],
  );
  const [first] = await Promise.race([message, gone]);
  answered.abort();
  return first as Message;
}
