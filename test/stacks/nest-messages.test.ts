// Message and event handlers over TCP: a message that is delivered twice is handled once.
import type { AddressInfo } from 'node:net';
import { MemoryStore } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { closeAfterEachTest, closeAfterTest, rootModule } from './nest-adapter/application.js';
import { loadNest, majors, type NestLibrary } from './nest-adapter/library.js';

interface Message {
  readonly id?: string;
  readonly tenant?: string;
  readonly amount?: number;
}

interface Reply {
  readonly values: unknown[];
  readonly error?: unknown;
}

/** Starts a microservice with this controller, and returns a client of it. */
async function startService(
  nest: NestLibrary,
  controller: new () => object,
  store = new MemoryStore(),
  hybrid = false,
) {
  const { ClientProxyFactory, Transport } = nest.microservices;
  const root = rootModule(nest, { controllers: [controller], store });
  const options = { host: '127.0.0.1', port: 0 };
  const transport = { transport: Transport.TCP, options } as const;
  const server = hybrid ? await startHybrid(nest, root, transport) : await startAlone(nest, root, transport);
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { ...options, port: server.port } });
  closeAfterTest(async () => await client.close());
  const send = (pattern: string, message: Message): Promise<Reply> =>
    new Promise((resolve) => {
      const values: unknown[] = [];
      client.send(pattern, message).subscribe({
        next: (value: unknown) => values.push(value),
        error: (error: unknown) => resolve({ values, error }),
        complete: () => resolve({ values }),
      });
    });
  const emit = async (pattern: string, message: Message) =>
    await nest.rxjs.lastValueFrom(client.emit(pattern, message), { defaultValue: undefined });
  return { send, emit };
}

const quiet = { logger: false, abortOnError: false } as const;

async function startAlone({ core }: NestLibrary, root: new () => object, transport: object) {
  const app = await core.NestFactory.createMicroservice(root, { ...transport, ...quiet } as never);
  await app.listen();
  closeAfterTest(() => app.close());
  return { port: portOf(app) };
}

/** An HTTP application with a microservice that does not inherit its global interceptors. */
async function startHybrid({ core }: NestLibrary, root: new () => object, transport: object) {
  const app = await core.NestFactory.create(root, quiet);
  const service = app.connectMicroservice(transport as never);
  await app.startAllMicroservices();
  closeAfterTest(() => app.close());
  return { port: portOf(service) };
}

/** The server of the TCP transport, which listens on a free port. */
function portOf(service: object): number {
  const strategy: object = Reflect.get(service, 'serverInstance') ?? Reflect.get(service, 'server');
  const server = Reflect.get(strategy, 'server') as { address(): AddressInfo };
  return server.address().port;
}

describe.each(await Promise.all(majors.map(async (major) => ({ major, nest: await loadNest(major) }))))(
  'A message handler of Nest $major',
  ({ nest }) => {
    const { Controller } = nest.common;
    const { Ctx, EventPattern, MessagePattern, Payload } = nest.microservices;
    const { Idempotent, IdempotencyContext } = nest.onceguard;
    const key = ({ id }: Message) => id;
    closeAfterEachTest();

    function payments(begin: () => Promise<void> | void = () => {}) {
      const handled: unknown[] = [];
      @Controller()
      class Payments {
        @MessagePattern('pay')
        @Idempotent({ key, scope: ({ tenant }: Message) => tenant ?? 'nobody' })
        async pay(@Payload() message: Message) {
          await begin();
          handled.push(message);
          if (message.amount === 13) throw new nest.microservices.RpcException('declined');
          return { run: handled.length };
        }

        @MessagePattern('count')
        @Idempotent({ key, scope: 'public' })
        count() {
          handled.push('count');
          return nest.rxjs.of(1, 2, handled.length);
        }

        @MessagePattern('attempt')
        @Idempotent({ key, scope: 'public' })
        attempt(@Payload() _: Message, @IdempotencyContext() context: { attempt: number }, @Ctx() __: object) {
          return { attempt: context.attempt };
        }

        @EventPattern('paid')
        @Idempotent({ key, scope: 'public' })
        paid(@Payload() message: Message) {
          handled.push(message);
        }
      }
      return { Payments, handled };
    }

    it.each([false, true])('runs once for two deliveries, by key, scope and pattern (hybrid: %s)', async (hybrid) => {
      const { Payments, handled } = payments();
      const { send } = await startService(nest, Payments, new MemoryStore(), hybrid);
      const first = await send('pay', { id: '1', tenant: 'a' });
      expect(first).toEqual({ values: [{ run: 1 }] });
      expect(await send('pay', { id: '1', tenant: 'a' })).toEqual(first);
      expect(await send('pay', { id: '1', tenant: 'b' })).toEqual({ values: [{ run: 2 }] });
      expect(await send('count', { id: '1' })).toEqual({ values: [1, 2, 3] });
      expect(handled).toHaveLength(3);
    });

    it('gives a repeat all values that the first delivery got', async () => {
      const { Payments } = payments();
      const { send } = await startService(nest, Payments);
      for (const _ of ['the first', 'a repeat']) {
        expect(await send('count', { id: '1' })).toEqual({ values: [1, 2, 1] });
      }
    });

    it('refuses another payload, and a repeat during the work, with their codes', async () => {
      const [begun, mayEnd] = [newGate(), newGate()];
      const { Payments } = payments(async () => {
        begun.open();
        await mayEnd.opened;
      });
      const { send } = await startService(nest, Payments);
      const first = send('pay', { id: '1', amount: 1 });
      await begun.opened;
      const during = await send('pay', { id: '1', amount: 1 });
      const other = await send('pay', { id: '1', amount: 2 });
      mayEnd.open();
      expect(during.error).toMatchObject({ code: 'in_progress', retryable: true, retryAfterMs: expect.any(Number) });
      expect(other.error).toMatchObject({ code: 'key_reused', retryable: false, status: 'error' });
      expect(await first).toEqual({ values: [{ run: 1 }] });
    });

    it('that fails frees its key, and its error reaches the client', async () => {
      const { Payments, handled } = payments();
      const { send } = await startService(nest, Payments);
      for (const run of [1, 2]) {
        expect((await send('pay', { id: '1', amount: 13 })).error).toMatchObject({ message: 'declined' });
        expect(handled).toHaveLength(run);
      }
    });

    it('refuses a message without a key', async () => {
      const { Payments, handled } = payments();
      const { send } = await startService(nest, Payments);
      expect((await send('pay', { amount: 1 })).error).toMatchObject({ code: 'key_missing' });
      expect(handled).toEqual([]);
    });

    it('gets the context of its execution', async () => {
      const { Payments } = payments();
      const { send } = await startService(nest, Payments);
      expect(await send('attempt', { id: '1' })).toEqual({ values: [{ attempt: 1 }] });
    });

    it('for an event runs once', async () => {
      const [completed, acquiredTwice] = [newGate(), newGate()];
      let acquired = 0;
      const memory = new MemoryStore();
      const store = overrideVerbs(memory, {
        acquire: async (...given) => {
          acquired += 1;
          if (acquired === 2) acquiredTwice.open();
          return await memory.acquire(...given);
        },
        complete: async (...given) => {
          completed.open();
          return await memory.complete(...given);
        },
      });
      const { Payments, handled } = payments();
      const { emit } = await startService(nest, Payments, store as MemoryStore);
      for (const _ of ['the first', 'a repeat']) await emit('paid', { id: '1' });
      await Promise.all([completed.opened, acquiredTwice.opened]);
      expect(handled).toEqual([{ id: '1' }]);
    });

    it('hides the store of a refusal from the client', async () => {
      const memory = new MemoryStore();
      const { StoreError } = await import('@onceguard/core');
      const store = overrideVerbs(memory, {
        acquire: () => Promise.reject(new StoreError('misconfigured', 'redis://secret-host refuses')),
      });
      const { Payments } = payments();
      const { send } = await startService(nest, Payments, store as MemoryStore);
      const { error } = await send('pay', { id: '1' });
      expect(error).toMatchObject({ code: 'store_misconfigured' });
      expect(JSON.stringify(error)).not.toContain('secret-host');
    });

    it.each([
      ['key', { scope: 'public' }],
      ['scope', { key }],
    ])('without the option %s is an error at the start', async (option, options) => {
      @Controller()
      class Incomplete {
        @MessagePattern('pay')
        @Idempotent(options as object)
        pay() {}
      }
      const scope = () => 'of a request';
      const root = rootModule(nest, { controllers: [Incomplete], options: { scope } });
      const starting = nest.core.NestFactory.createApplicationContext(root, quiet);
      await expect(starting).rejects.toMatchObject({
        code: 'option_invalid',
        message: expect.stringMatching(new RegExp(`^Incomplete\\.pay: .*option ${option}`)),
      });
    });
  },
);
