// What stands around a handler of Nest: guards run for every request, pipes and interceptors once, filters and versions as always.
import { MemoryStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { type NestStack, onEveryNest, startNest } from './nest-adapter/application.js';

interface Context {
  switchToHttp(): { getRequest(): GuardedRequest };
}

interface GuardedRequest {
  readonly headers: Record<string, string>;
  user?: { readonly id: string };
}

/** The guard knows the users a, b and c. It lets a and b in, and sets `user` on the request. */
function guardOf({ nest }: NestStack, seen: string[]) {
  const { UnauthorizedException } = nest.common;
  return class AuthGuard {
    canActivate(context: Context) {
      const request = context.switchToHttp().getRequest();
      const id = request.headers['x-user'];
      if (id === undefined) throw new UnauthorizedException();
      seen.push(id);
      request.user = { id };
      return id !== 'c';
    }
  };
}

/** A store that counts its calls. */
function countedStore() {
  const memory = new MemoryStore();
  let calls = 0;
  const store = overrideVerbs(memory, {
    acquire: async (...given) => {
      calls += 1;
      return await memory.acquire(...given);
    },
  });
  return { store, calls: () => calls };
}

await onEveryNest('Guards', (stack) => {
  const { nest, platform } = stack;
  const { Controller, Post, UseGuards } = nest.common;

  async function startGuarded() {
    const seen: string[] = [];
    const { store, calls } = countedStore();
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post()
      @nest.onceguard.Idempotent()
      @UseGuards(guardOf(stack, seen))
      pay() {
        return { run: ++runs };
      }
    }
    const options = { scope: (request: GuardedRequest) => request.user?.id };
    const { port } = await startNest(nest, platform, { controllers: [Payments], store, options });
    const pay = async (user?: string) =>
      await send(port, { key: 'k', headers: user === undefined ? {} : { 'x-user': user } });
    return { pay, calls, seen };
  }

  it('set the user from which the scope comes: two users never share a record', async () => {
    const { pay } = await startGuarded();
    const texts = [(await pay('a')).text, (await pay('b')).text, (await pay('a')).text];
    expect(texts).toEqual(['{"run":1}', '{"run":2}', '{"run":1}']);
  });

  it('refuse with 401 and 403 without a call to the store', async () => {
    const { pay, calls } = await startGuarded();
    expect([(await pay()).status, (await pay('c')).status, calls()]).toEqual([401, 403, 0]);
  });

  it('run for a replay too, so that a user whose rights were revoked gets nothing', async () => {
    const { pay, seen } = await startGuarded();
    await pay('a');
    expect((await pay('a')).headers['idempotent-replayed']).toBe('true');
    expect(seen).toEqual(['a', 'a']);
  });

  it('an error that the scope function throws reaches the exception filters', async () => {
    @Controller('pay')
    class Payments {
      @Post()
      @nest.onceguard.Idempotent({
        scope: () => {
          throw new nest.common.UnauthorizedException('Who are you?');
        },
      })
      pay() {
        return {};
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments] });
    const { status, text } = await send(port, { key: 'k' });
    expect([status, JSON.parse(text).message]).toEqual([401, 'Who are you?']);
  });
});

await onEveryNest('Routes', (stack) => {
  const { nest, platform } = stack;
  const { Body, Controller, Param, ParseIntPipe, Post, ValidationPipe, Version, VersioningType } = nest.common;
  const { Idempotent } = nest.onceguard;

  it('a body that a validation pipe refuses is recorded as a 400, and the handler does not run', async () => {
    class Payment {
      amount = 0;
    }
    nest.validator.IsInt()(Payment.prototype, 'amount');
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post()
      @Idempotent()
      pay(@Body(new ValidationPipe({ expectedType: Payment })) payment: Payment) {
        return { run: ++runs, amount: payment.amount };
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments] });
    const wrong = { key: 'k', body: { amount: 'ten' } };
    const [first, again] = [await send(port, wrong), await send(port, wrong)];
    expect([first.status, again.status, again.text, runs]).toEqual([400, 400, first.text, 0]);
    expect((await send(port, { key: 'other', body: { amount: 7 } })).json()).toEqual({ run: 1, amount: 7 });
  });

  it('a global prefix, versions and parameters make records of their own', async () => {
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post(':account')
      @Version('1')
      @Idempotent()
      first(@Param('account', ParseIntPipe) account: number) {
        return { account, version: 1, run: ++runs };
      }

      @Post(':account')
      @Version('2')
      @Idempotent()
      second(@Param('account', ParseIntPipe) account: number) {
        return { account, version: 2, run: ++runs };
      }
    }
    const { port } = await startNest(nest, platform, {
      controllers: [Payments],
      configure: (app) => app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    });
    const paths = ['/api/v1/pay/7', '/api/v2/pay/7', '/api/v1/pay/8', '/api/v1/pay/7', '/api/v2/pay/7'];
    const runsOfPaths: unknown[] = [];
    for (const path of paths) runsOfPaths.push((await send(port, { path, key: 'k' })).json().run);
    expect(runsOfPaths).toEqual([1, 2, 3, 1, 2]);
  });

  it('50 requests at once run the handler once', async () => {
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post()
      @Idempotent()
      async pay() {
        await new Promise(setImmediate);
        return { run: ++runs };
      }
    }
    const options = { onInProgress: { waitMs: 30_000 } };
    const { port } = await startNest(nest, platform, { controllers: [Payments], options });
    const all = await Promise.all(Array.from({ length: 50 }, async () => (await send(port, { key: 'k' })).text));
    expect([new Set(all), runs]).toEqual([new Set(['{"run":1}']), 1]);
  });

  it('another payload under the key is refused, and so is a repeat while the first still runs', async () => {
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let begun = () => {};
    const beginning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    @Controller('pay')
    class Payments {
      @Post()
      @Idempotent()
      async pay() {
        begun();
        await finished;
        return { paid: true };
      }
    }
    const { port, errors } = await startNest(nest, platform, { controllers: [Payments] });
    const first = send(port, { key: 'k' });
    await beginning;
    const [during, other] = [await send(port, { key: 'k' }), await send(port, { key: 'k', body: { amount: 99 } })];
    finish();
    expect([during.status, during.json().code, during.headers['content-type']]).toEqual([
      409,
      'in_progress',
      'application/problem+json',
    ]);
    expect([other.status, other.json().code]).toEqual([422, 'key_reused']);
    expect([(await first).status, errors]).toEqual([201, []]);
  });

  it('rawBody: true keeps the source of the body, so that large numbers are told apart', async () => {
    @Controller('pay')
    class Payments {
      @Post()
      @Idempotent()
      pay() {
        return { paid: true };
      }
    }
    const { port } = await startNest(nest, platform, { controllers: [Payments], create: { rawBody: true } });
    const headers = { 'content-type': 'application/json' };
    const pay = async (amount: string) =>
      (await send(port, { key: 'k', headers, body: `{"amount":${amount}}` })).status;
    expect([await pay('9007199254740992'), await pay('9007199254740993')]).toEqual([201, 422]);
  });
});
