// Tracing of Redis commands: each command is sent in the async context of the call that it belongs to.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { recordKeys } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl } from '../support/redis.js';
import { countScriptWrites } from '../support/socket-writes.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

const safe = { maxRetriesPerRequest: 0, enableOfflineQueue: false, lazyConnect: true };
const requestId = new AsyncLocalStorage<string>();
const ids = Array.from({ length: 20 }, (_, at) => `request-${at}`);

interface SentCommand {
  readonly command: string;
  /** The key that the command is about. */
  readonly key: string;
  /** The request whose async context it was sent in. */
  readonly context: string | undefined;
}

/** What Redis of both versions have in common, of which a command is an object of its own. */
interface CommandSender {
  sendCommand(command: { name: string; args: unknown[] }, ...rest: unknown[]): unknown;
}

/** What instrumentation sees that wraps `sendCommand`, as that of OpenTelemetry does. */
function watchSendCommand(client: Redis | Redis5): SentCommand[] {
  const seen: SentCommand[] = [];
  const sending = client as unknown as CommandSender;
  const { sendCommand } = sending;
  vi.spyOn(sending, 'sendCommand').mockImplementation((command, ...rest) => {
    seen.push({ command: command.name, key: String(command.args[2]), context: requestId.getStore() });
    return sendCommand.call(client, command, ...rest);
  });
  return seen;
}

/** What subscribers of the client's own diagnostics channel see. */
function watchChannel(): SentCommand[] {
  const seen: SentCommand[] = [];
  const begin = (message: unknown) => {
    const { command, args } = message as { command: string; args: unknown[] };
    seen.push({ command, key: String(args[2]), context: requestId.getStore() });
  };
  subscribe('tracing:ioredis:command:start', begin);
  cleanups.push(() => unsubscribe('tracing:ioredis:command:start', begin));
  return seen;
}

describe.each([
  { version: 6, make: () => new Redis(redisUrl(), safe) },
  { version: 5, make: () => new Redis5(redisUrl(), safe) },
])('of calls that leave in one write, ioredis $version,', ({ make }) => {
  test.each([
    ['whoever wraps sendCommand', watchSendCommand],
    ['whoever listens to its diagnostics channel', watchChannel],
  ])('%s sees each command in the context of its own request', async (_who, watch) => {
    const client = make();
    await client.connect();
    cleanups.push(() => client.disconnect());
    const prefix = `${randomUUID()}:`;
    const store = new RedisStore({ client, prefix });
    await store.acquire('warm', acquireRequest());
    const seen = watch(client);
    const writes = countScriptWrites(client);
    await Promise.all(ids.map((id) => requestId.run(id, async () => await store.acquire(id, acquireRequest()))));
    expect(writes()).toBeLessThan(ids.length);
    const own = seen.filter(({ key }) => key.startsWith(prefix));
    expect(own.length).toBeGreaterThanOrEqual(ids.length);
    expect(own.map(({ context }) => context)).toEqual(own.map(({ key }) => /\}(.*)$/.exec(key)?.[1]));
  });

  test('each answer arrives in the context of its own request', async () => {
    const client = make();
    await client.connect();
    cleanups.push(() => client.disconnect());
    const store = new RedisStore({ client, prefix: `${randomUUID()}:` });
    const arrivedIn = ids.map((id) =>
      requestId.run(id, async () => {
        await store.acquire(id, acquireRequest());
        return requestId.getStore();
      }),
    );
    expect(await Promise.all(arrivedIn)).toEqual(ids);
  });
});

test('A call that another call flushes is sent in its own async context', async () => {
  const client = new Redis(redisUrl(), safe);
  await client.connect();
  cleanups.push(() => client.disconnect());
  const prefix = `${randomUUID()}:`;
  const store = new RedisStore({ client, prefix });
  const lease = await acquireLease({ store, key: 'large' });
  const seen = watchSendCommand(client);
  const small = requestId.run('small', () => store.read('small'));
  // A large outcome leaves at once, after what waits.
  const large = requestId.run('large', () => store.complete(lease, completionOf('x'.repeat(100_000))));
  await Promise.all([small, large]);
  for (const key of ['small', 'large']) {
    const contexts = seen.filter((sent) => sent.key === recordKeys(prefix, key).record).map(({ context }) => context);
    expect(new Set(contexts)).toEqual(new Set([key]));
  }
});
