// The process in which Lambda runs a function: handles one invocation at a time, as the host sends them.
import { paymentPolicy } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy, idempotencyOf, idempotentSqs, type SqsRecord, withIdempotency } from '@onceguard/lambda';
import { Redis } from 'ioredis';
import type { TestEvent } from '../http-events.js';

export interface SandboxSettings {
  readonly url: string;
  /** Where effects are counted: a server that no test disturbs. */
  readonly effectsUrl: string;
  readonly prefix: string;
  readonly callTimeoutMs?: number;
  readonly options?: object;
  readonly payments?: boolean;
}

export interface InvocationMessage {
  readonly event: object;
  readonly limitMs: number;
}

/** The body of an HTTP request to this function. */
export interface Command {
  /**
   * `pay`: has its effect and responds. `hang`: the same, but its first attempt never responds. `wait`: has its effect, and responds when
   * the host says so. `leave`: a layer outside of the wrapper responds as soon as the handler works, which it does for `workMs`.
   */
  readonly do: 'pay' | 'hang' | 'wait' | 'leave';
  readonly workMs?: number;
}

/** The body of a message to this function. `hang`, `fail`: before its effect, in its first try. */
export interface Job {
  readonly id: string;
  readonly firstTry?: 'hang' | 'fail';
}

const { url, effectsUrl, prefix, callTimeoutMs, options, payments }: SandboxSettings = JSON.parse(
  process.argv[2] ?? '',
);
const store = await RedisStore.connect({ url, prefix, ...(callTimeoutMs === undefined ? {} : { callTimeoutMs }) });
const effects = new Redis(effectsUrl);
const scope = 'public';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const never = new Promise<never>(() => {});
let leaveHandler = () => {};

const pay = withIdempotency(
  async (event: TestEvent) => {
    const { key, attempt, signal } = idempotencyOf(event);
    const command: Command = JSON.parse(event.body ?? '');
    await effects.rpush(`${prefix}effects:${key}`, attempt);
    if (command.do === 'hang' && attempt === 1) await never;
    if (command.do === 'wait') {
      process.send?.({ waiting: true });
      await new Promise<void>((resolve) => process.once('message', () => resolve()));
    }
    if (command.do === 'leave') {
      leaveHandler();
      await pause(command.workMs ?? 0);
      await effects.set(`${prefix}aborted:${key}`, String(signal.aborted));
    }
    return { statusCode: 201, body: `attempt ${attempt}` };
  },
  { ...(payments ? httpPaymentPolicy : {}), store, scope, ...options },
);

const ship = idempotentSqs(
  async (record: SqsRecord) => {
    const job: Job = JSON.parse(record.body);
    const tries = await effects.incr(`${prefix}tries:${job.id}`);
    if (tries === 1 && job.firstTry === 'hang') await never;
    if (tries === 1 && job.firstTry === 'fail') throw new Error('not yet');
    await effects.rpush(`${prefix}shipped`, job.id);
  },
  {
    ...(payments ? paymentPolicy : {}),
    store,
    scope: 'jobs',
    key: ({ body }) => JSON.parse(body).id,
    onRecordFailed: () => {},
    ...options,
  },
);

async function handle(event: object, context: { getRemainingTimeInMillis(): number }): Promise<unknown> {
  if ('Records' in event) return await ship(event as Parameters<typeof ship>[0], context);
  const request = event as TestEvent;
  const handlerLeft = new Promise<object>((resolve) => {
    leaveHandler = () => resolve({ statusCode: 202, body: 'accepted' });
  });
  return await Promise.race([pay(request, context), handlerLeft]);
}

async function invoke({ event, limitMs }: InvocationMessage): Promise<void> {
  const endsAt = Date.now() + limitMs;
  try {
    const result = await handle(event, { getRemainingTimeInMillis: () => endsAt - Date.now() });
    process.send?.({ result });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
}

process.on('message', (message: InvocationMessage | { finish: true }) => {
  if ('event' in message) void invoke(message);
});
process.send?.({ ready: true });
