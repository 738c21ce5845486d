// How the decorator is set up: which options count, and to which handlers they apply.
import { expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { type NestStack, onEveryNest, startNest } from './nest-adapter/application.js';

/** A controller with one handler for each method, each with its decorators from `decorate`. */
function controllerWith({ nest }: NestStack, onClass: ClassDecorator, onHandler: MethodDecorator) {
  const { Controller, Delete, Get, Patch, Post, Put } = nest.common;
  let runs = 0;
  @Controller('pay')
  @onClass
  class Payments {
    @Post()
    @onHandler
    post() {
      return { run: ++runs };
    }

    @Put()
    @onHandler
    put() {
      return { run: ++runs };
    }

    @Patch()
    @onHandler
    patch() {
      return { run: ++runs };
    }

    @Delete()
    @onHandler
    remove() {
      return { run: ++runs };
    }

    @Get()
    @onHandler
    get() {
      return { run: ++runs };
    }
  }
  return Payments;
}

const none = () => {};
const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'];

async function replayedMethods({ nest, platform }: NestStack, controller: new () => object) {
  const { port } = await startNest(nest, platform, { controllers: [controller] });
  const replayed: string[] = [];
  for (const method of methods) {
    await send(port, { method, key: 'k' });
    if ((await send(port, { method, key: 'k' })).headers['idempotent-replayed']) replayed.push(method);
  }
  return replayed;
}

await onEveryNest('@Idempotent()', (stack) => {
  const { nest, platform } = stack;
  const { Controller, Post } = nest.common;
  const { Idempotent, IdempotencyContext } = nest.onceguard;

  it('on a handler applies to its own method, whatever it is', async () => {
    const controller = controllerWith(stack, none, Idempotent());
    expect(await replayedMethods(stack, controller)).toEqual(methods);
  });

  it('on a controller applies to its POST, PUT, PATCH and DELETE handlers', async () => {
    const controller = controllerWith(stack, Idempotent(), none);
    expect(await replayedMethods(stack, controller)).toEqual(['POST', 'PUT', 'PATCH', 'DELETE']);
  });

  it('with false takes a handler out of its controller', async () => {
    const controller = controllerWith(stack, Idempotent(), Idempotent(false));
    expect(await replayedMethods(stack, controller)).toEqual([]);
  });

  it('has options that win over those of its controller, which win over those of the module', async () => {
    @Controller('pay')
    @Idempotent({ required: true, headerName: 'Of-Controller' })
    class Payments {
      @Post('a')
      a() {
        return {};
      }

      @Post('b')
      @Idempotent({ headerName: 'Of-Handler' })
      b() {
        return {};
      }
    }
    const options = { required: false, headerName: 'Of-Module' };
    const { port } = await startNest(nest, platform, { controllers: [Payments], options });
    const details: unknown[] = [];
    for (const path of ['/pay/a', '/pay/b']) details.push((await send(port, { path })).json().code);
    expect(details).toEqual(['key_missing', 'key_missing']);
    const keyed = async (path: string, name: string) => (await send(port, { path, headers: { [name]: 'k' } })).status;
    expect(await keyed('/pay/a', 'Of-Controller')).toBe(201);
    expect(await keyed('/pay/b', 'Of-Handler')).toBe(201);
    expect(await keyed('/pay/b', 'Of-Controller')).toBe(400);
  });

  it('with isFinal replaces classify of the module', async () => {
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post()
      @Idempotent({ isFinal: () => false })
      pay() {
        return { run: ++runs };
      }
    }
    const options = { classify: () => 'record' };
    const { port } = await startNest(nest, platform, { controllers: [Payments], options });
    for (const run of [1, 2]) expect((await send(port, { key: 'k' })).json()).toEqual({ run });
  });

  it('leaves requests without a key and other handlers alone', async () => {
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post('with')
      @Idempotent()
      guarded(@IdempotencyContext({ optional: true }) context?: object) {
        return { run: ++runs, hasContext: context !== undefined };
      }

      @Post('without')
      bare() {
        return { run: ++runs };
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments] });
    expect((await send(port, { path: '/pay/with' })).json()).toEqual({ run: 1, hasContext: false });
    expect((await send(port, { path: '/pay/with' })).json()).toEqual({ run: 2, hasContext: false });
    for (const run of [3, 4]) expect((await send(port, { path: '/pay/without', key: 'k' })).json()).toEqual({ run });
    expect((await send(port, { path: '/pay/with', key: 'k' })).json()).toEqual({ run: 5, hasContext: true });
  });

  it('gives the context to request-scoped controllers and inherited handlers', async () => {
    class Base {
      pay({ deriveKey }: { deriveKey(name: string): string }) {
        return { charge: deriveKey('charge') };
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Base.prototype, 'pay') ?? {};
    IdempotencyContext()(Base.prototype, 'pay', 0);
    Post()(Base.prototype, 'pay', descriptor);
    @Controller({ path: 'a', scope: nest.common.Scope.REQUEST })
    @Idempotent({ ttlMs: 60_000 })
    class A extends Base {}
    @Controller('b')
    @Idempotent({ required: true })
    class B extends Base {}
    const { port } = await startNest(nest, platform, { controllers: [A, B] });
    const [a, again, b] = [
      await send(port, { path: '/a', key: 'k' }),
      await send(port, { path: '/a', key: 'k' }),
      await send(port, { path: '/b', key: 'k' }),
    ];
    expect(again.text).toBe(a.text);
    expect(b.json().charge).not.toBe(a.json().charge);
    expect([(await send(port, { path: '/a' })).status, (await send(port, { path: '/b' })).status]).toEqual([500, 400]);
  });

  it('and no key: a handler that needs the context fails with context_missing', async () => {
    const caught: unknown[] = [];
    class Catcher {
      catch(error: unknown, host: { switchToHttp(): { getResponse(): { status(code: number): { send(): void } } } }) {
        caught.push(error);
        host.switchToHttp().getResponse().status(500).send();
      }
    }
    nest.common.Catch()(Catcher);
    @Controller('pay')
    class Payments {
      @Post()
      @Idempotent()
      pay(@IdempotencyContext() _context: object) {
        return {};
      }
    }
    const configure = (app: { useGlobalFilters(filter: object): unknown }) => app.useGlobalFilters(new Catcher());
    const { port } = await startNest(nest, platform, { controllers: [Payments], configure });
    expect((await send(port)).status).toBe(500);
    expect(caught).toMatchObject([{ code: 'context_missing', message: expect.stringContaining('required: true') }]);
  });
});
