// Whatever a handler of Nest returns or throws, its repeat gets the same response, and the handler has run once.
import { Readable } from 'node:stream';

import { expect, it } from 'vitest';
import { type ReceivedResponse, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { type NestStack, onEveryNest, startNest } from './nest-adapter/application.js';

/** `passthrough`: the handler sets something on the response, and returns the body. */
interface FormsController {
  readonly controller: new () => object;
  runs(): number;
}

const forms = [
  'value',
  'text',
  'nothing',
  'promise',
  'observable',
  'file',
  'stream',
  'res',
  'passthrough',
  'redirect',
  'teapot',
  'declined',
] as const;

function formsController({ nest, platform }: NestStack): FormsController {
  const { Controller, Header, HttpCode, HttpException, Post, Redirect, Res, StreamableFile } = nest.common;
  const { Idempotent } = nest.onceguard;
  const { from } = nest.rxjs;
  let count = 0;
  const setHeader = (res: NativeResponse) =>
    platform === 'Fastify' ? res.header('x-handler', `${count}`) : res.setHeader('x-handler', `${count}`);

  @Controller('forms')
  @Idempotent()
  class Forms {
    @Post('value')
    @Header('x-declared', 'always')
    value() {
      return { run: ++count };
    }

    @Post('text')
    text() {
      return `run ${++count}`;
    }

    @Post('nothing')
    @HttpCode(204)
    nothing() {
      count += 1;
    }

    @Post('promise')
    async promise() {
      return await Promise.resolve({ run: ++count });
    }

    @Post('observable')
    observable() {
      return from([{ first: 1 }, { run: ++count }]);
    }

    @Post('file')
    file() {
      return new StreamableFile(Buffer.from(`run ${++count}`), { type: 'text/csv', disposition: 'attachment' });
    }

    @Post('stream')
    stream() {
      return new StreamableFile(Readable.from([Buffer.from('run '), Buffer.from(`${++count}`)]));
    }

    @Post('res')
    res(@Res() res: NativeResponse) {
      res.status(202).send({ run: ++count });
    }

    @Post('passthrough')
    passthrough(@Res({ passthrough: true }) res: NativeResponse) {
      count += 1;
      setHeader(res);
      res.status(203);
      return { run: count };
    }

    @Post('redirect')
    @Redirect('/receipts', 303)
    redirect() {
      return { url: `/receipts/${++count}`, statusCode: 307 };
    }

    @Post('teapot')
    teapot() {
      throw new HttpException({ run: ++count }, 418);
    }

    @Post('declined')
    async declined() {
      throw new HttpException(`run ${++count}`, 402);
    }
  }
  return { controller: Forms, runs: () => count };
}

interface Host {
  switchToHttp(): { getResponse<T>(): T };
}

interface NativeResponse {
  header(name: string, value: string): unknown;
  setHeader(name: string, value: string): unknown;
  status(code: number): NativeResponse;
  send(body: unknown): unknown;
}

/** Everything of a response but what differs between any two. */
function comparable({ status, reason, headers, text }: ReceivedResponse) {
  const { date: _, 'idempotent-replayed': __, 'transfer-encoding': ___, 'content-length': ____, ...kept } = headers;
  return { status, reason, headers: kept, text };
}

await onEveryNest('What a handler gives', (stack) => {
  it.each(forms)('%s: the repeat gets the same response', async (form) => {
    const { controller, runs } = formsController(stack);
    const { port, errors } = await startNest(stack.nest, stack.platform, { controllers: [controller] });
    const first = await send(port, { path: `/forms/${form}`, key: 'k' });
    const again = await send(port, { path: `/forms/${form}`, key: 'k' });
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(comparable(again)).toEqual(comparable(first));
    expect([runs(), errors]).toEqual([1, []]);
  });

  it('an error that is no HttpException is a 500 and frees the key', async () => {
    const { Controller, Post } = stack.nest.common;
    let runs = 0;
    @Controller('pay')
    class Payments {
      @Post()
      @stack.nest.onceguard.Idempotent()
      pay() {
        if (++runs === 1) throw new Error('The provider is down.');
        return { run: runs };
      }
    }
    const { port } = await startNest(stack.nest, stack.platform, { controllers: [Payments] });
    expect((await send(port, { key: 'k' })).status).toBe(500);
    expect((await send(port, { key: 'k' })).json()).toEqual({ run: 2 });
  });

  it('the response of an exception filter is the one that is recorded', async () => {
    const { Catch, Controller, Post } = stack.nest.common;
    let runs = 0;
    class Declined extends Error {}
    @Catch(Declined)
    class DeclinedFilter {
      catch(_: Error, host: Host) {
        host.switchToHttp().getResponse<NativeResponse>().status(402).send({ declined: runs });
      }
    }
    @Controller('pay')
    class Payments {
      @Post()
      @stack.nest.onceguard.Idempotent()
      pay() {
        runs += 1;
        throw new Declined();
      }
    }
    const providers = [{ provide: stack.nest.core.APP_FILTER, useClass: DeclinedFilter }];
    const { port } = await startNest(stack.nest, stack.platform, { controllers: [Payments], providers });
    for (const _ of ['the first', 'a repeat']) {
      const { status, text } = await send(port, { key: 'k' });
      expect([status, text]).toEqual([402, '{"declined":1}']);
    }
  });

  if (stack.nest.major === '12') {
    it('a web Response is replayed', async () => {
      const { text, runs } = await repeatOf(stack, (run) =>
        Response.json({ run }, { status: 209, headers: { 'x-web': '1' } }),
      );
      expect([text, runs]).toEqual(['{"run":1}', 1]);
    });

    it('an async generator is replayed', async () => {
      const { text, runs } = await repeatOf(stack, async function* (run) {
        yield 'run ';
        yield `${run}`;
      });
      expect([text, runs]).toEqual(['run 1', 1]);
    });
  }
});

async function repeatOf({ nest, platform }: NestStack, give: (run: number) => unknown) {
  const { Controller, Post } = nest.common;
  let runs = 0;
  @Controller('pay')
  class Payments {
    @Post()
    @nest.onceguard.Idempotent()
    pay() {
      return give(++runs);
    }
  }
  const { port } = await startNest(nest, platform, { controllers: [Payments] });
  const first = await send(port, { key: 'k' });
  const again = await send(port, { key: 'k' });
  expect(comparable(again)).toEqual(comparable(first));
  expect(again.headers['idempotent-replayed']).toBe('true');
  return { text: again.text, runs };
}
