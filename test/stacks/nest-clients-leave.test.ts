// A client that leaves cancels nothing: what the handler returns is recorded, and the retry gets all of it.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { begin, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { type NestStack, onEveryNest, startNest } from './nest-adapter/application.js';

type Form = (stack: NestStack, left: Promise<void>) => unknown;

const forms: Record<string, Form> = {
  'a promise': async (_, left) => await left.then(() => ({ paid: true })),
  'an Observable': ({ nest }, left) => nest.rxjs.from(left.then(() => ({ paid: true }))),
  'a StreamableFile': ({ nest }, left) => {
    const stream = new PassThrough();
    stream.write('{"paid":');
    void left.then(() => stream.end('true}'));
    return new nest.common.StreamableFile(stream);
  },
};

/** Nest 12 sends each yielded value at once. */
const formsOf12: Record<string, Form> = {
  'an async generator': async function* (_, left) {
    yield '{"paid":';
    await left;
    yield 'true}';
  },
  'a web Response': async (_, left) => await left.then(() => Response.json({ paid: true })),
};

await onEveryNest('A client that leaves', (stack) => {
  const all = stack.nest.major === '12' ? { ...forms, ...formsOf12 } : forms;

  it.each(Object.keys(all))('%s is recorded, and replayed', async (name) => {
    const { common, onceguard } = stack.nest;
    const { text, headers, runs } = await leave(stack, (work) => {
      @common.Controller('pay')
      class Payments {
        @common.Post()
        @onceguard.Idempotent()
        pay() {
          return work((left) => all[name]?.(stack, left));
        }
      }
      return Payments;
    });
    expect([JSON.parse(text), headers['idempotent-replayed'], runs]).toEqual([{ paid: true }, 'true', 1]);
  });

  it('an event stream that Nest has cut short is no response: the retry runs and gets all of it', async () => {
    const { common, onceguard, rxjs } = stack.nest;
    const { text, headers, runs } = await leave(stack, (work) => {
      @common.Controller('pay')
      class Payments {
        @common.Sse('', { method: common.RequestMethod.POST })
        @onceguard.Idempotent()
        pay() {
          return work((left) =>
            rxjs.concat(rxjs.of({ data: 'one' }), rxjs.from(left.then(() => ({ data: 'two' })))),
          ) as never;
        }
      }
      return Payments;
    });
    expect([headers['idempotent-replayed'], runs]).toEqual([undefined, 2]);
    expect(text).toMatch(/data: one[\s\S]*data: two/);
  });

  it('an event stream that was completed is replayed', async () => {
    const { common, onceguard, rxjs } = stack.nest;
    let runs = 0;
    @common.Controller('pay')
    class Payments {
      @common.Sse('', { method: common.RequestMethod.POST })
      @onceguard.Idempotent()
      pay() {
        return rxjs.of({ data: `run ${++runs}` }, { data: 'end' });
      }
    }
    const { port } = await startNest(stack.nest, stack.platform, { controllers: [Payments] });
    const [first, again] = [await send(port, { key: 'k' }), await send(port, { key: 'k' })];
    expect(first.text).toMatch(/data: run 1[\s\S]*data: end/);
    expect([again.text, again.headers['content-type'], runs]).toEqual([first.text, first.headers['content-type'], 1]);
    const refused = await send(port, { key: 'k', body: { amount: 99 } });
    expect([refused.status, refused.headers['content-type']]).toEqual([422, 'application/problem+json']);
  });
});

type Work = (give: (left: Promise<void>) => unknown) => unknown;

/** The client of the first attempt disconnects while its handler runs; then the handler continues. */
async function leave({ nest, platform }: NestStack, controllerOf: (work: Work) => new () => object) {
  const [entered, left] = [newGate(), newGate()];
  let runs = 0;
  const controller = controllerOf((give) => {
    runs += 1;
    entered.open();
    return give(left.opened);
  });
  const options = { onInProgress: { waitMs: 30_000 } };
  const { port, server } = await startNest(nest, platform, { controllers: [controller], options });
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const client = begin(port, { key: 'k' }).on('error', () => {});
  const [socket] = await connected;
  const gone = once(socket, 'close');
  await entered.opened;
  // Nest subscribes to the handler's return value in the next iterations of the event loop.
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  client.destroy();
  await gone;
  left.open();
  const retry = await send(port, { key: 'k' });
  return { text: retry.text, headers: retry.headers, runs };
}
