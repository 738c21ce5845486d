// How the module is set up, and which mistakes are found when the application starts.
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { closeAfterTest, onEveryNest, rootModule, startNest } from './nest-adapter/application.js';

await onEveryNest('IdempotencyModule', (stack) => {
  const { nest, platform } = stack;
  const { Controller, Post } = nest.common;
  const { Idempotent, IdempotencyModule } = nest.onceguard;

  function payments(options?: object) {
    @Controller('pay')
    class Payments {
      @Post()
      @Idempotent(options)
      pay() {
        return { paid: true };
      }
    }
    return Payments;
  }

  it('gets its options from other providers with forRootAsync', async () => {
    const store = new MemoryStore();
    const token = 'STORE';
    class StoreModule {}
    nest.common.Module({ providers: [{ provide: token, useValue: store }], exports: [token] })(StoreModule);
    const imported = IdempotencyModule.forRootAsync({
      imports: [StoreModule],
      inject: [token],
      useFactory: async (given: IdempotencyStore) => ({ store: given, scope: 'public' as const }),
    });
    const spec = { controllers: [payments()], hasModule: false, imports: [imported], store };
    const { port } = await startNest(nest, platform, spec);
    await send(port, { key: 'k' });
    expect((await send(port, { key: 'k' })).headers['idempotent-replayed']).toBe('true');
    expect((await store.scan({ cursor: null, limit: 10 })).records).toHaveLength(1);
  });

  it('that is missing is an error at the start, which names the remedy', async () => {
    const missing = startNest(nest, platform, { controllers: [payments()], hasModule: false });
    await expect(missing).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining('IdempotencyModule.forRoot({ store, scope })'),
    });
  });

  it('that is imported twice is an error at the start', async () => {
    const again = IdempotencyModule.forRoot({ store: new MemoryStore(), scope: 'public' });
    const twice = startNest(nest, platform, { controllers: [payments()], imports: [again] });
    await expect(twice).rejects.toMatchObject({ code: 'option_invalid', message: expect.stringContaining('twice') });
  });

  it('without a scope is an error at the start', async () => {
    const unscoped = startNest(nest, platform, { controllers: [], options: { scope: undefined } });
    await expect(unscoped).rejects.toMatchObject({ code: 'option_invalid', message: expect.stringMatching(/scope/) });
  });

  it.each<[string, object]>([
    ['of the module', { controllers: [payments()], options: { methods: ['POST'] } }],
    ['of a decorator', { controllers: [payments({ methods: ['POST'] })] }],
  ])('with the option methods %s is an error at the start, which says where the decorator belongs', async (_, spec) => {
    const refused = startNest(nest, platform, spec as Parameters<typeof startNest>[2]);
    const message = expect.stringMatching(/methods is not an option.*put @Idempotent\(\) on each handler/s);
    await expect(refused).rejects.toMatchObject({ code: 'option_invalid', message });
  });

  it('finds an option of a handler that is not valid at the start, and names the handler', async () => {
    const invalid = startNest(nest, platform, { controllers: [payments({ ttlMs: 'a day' })] });
    await expect(invalid).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringMatching(/^Payments\.pay: .*ttlMs/s),
    });
  });

  it('serves two applications of one process with a store each', async () => {
    const controllers = [payments()];
    const [one, other] = [
      await startNest(nest, platform, { controllers }),
      await startNest(nest, platform, { controllers }),
    ];
    for (const { port } of [one, other]) {
      expect((await send(port, { key: 'k' })).headers['idempotent-replayed']).toBeUndefined();
      expect((await send(port, { key: 'k' })).headers['idempotent-replayed']).toBe('true');
    }
  });

  it('starts in an application without a server', async () => {
    const context = await nest.core.NestFactory.createApplicationContext(rootModule(nest, { controllers: [] }), {
      logger: false,
      abortOnError: false,
    });
    closeAfterTest(() => context.close());
    expect(context.get(Symbol.for('onceguard.nest.engine'))).toBeDefined();
  });
});
