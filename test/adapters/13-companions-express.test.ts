// Must hold, 13: middleware of Express outside and inside works as without idempotency(), at first and at replay.
import compression from 'compression';
import cors from 'cors';
import helmet from 'helmet';
import morgan from 'morgan';
import { expect, it } from 'vitest';
import { around, comparable, longText, places } from './13-companions.js';
import { onEveryFramework } from './matrix.js';

const json = () => ({ status: 201, headers: { 'X-Made': 'here' }, body: { text: longText } });
const fromOne = { headers: { origin: 'https://one.example' } };
const fromOther = { headers: { origin: 'https://other.example' } };
const zipped = { headers: { 'accept-encoding': 'gzip' } };

const onExpress = (title: string, tests: Parameters<typeof onEveryFramework>[1]) =>
  onEveryFramework(title, tests, { family: 'express' });

onExpress('compression', (world) => {
  it.each(places)('%s compresses at first and at replay as without idempotency()', async (place) => {
    const app = await around({ world, place, layer: compression(), handler: json });
    const plain = comparable(await app.plain(zipped));
    expect(plain.headers).toContain('content-encoding: gzip');
    expect(comparable(await app.keyed(zipped))).toEqual(plain);
    expect(comparable(await app.keyed(zipped))).toEqual(plain);
    expect(app.runs()).toBe(2);
  });

  it('outside compresses for each client as it asks', async () => {
    const app = await around({ world, place: 'outside', layer: compression(), handler: json });
    const plain = comparable(await app.plain());
    await app.keyed(zipped);
    const replay = await app.keyed();
    expect(replay.headers['idempotent-replayed']).toBe('true');
    expect(comparable(replay)).toEqual(plain);
  });

  it.each(places)('%s flushes an answer that flows, which replays', async (place) => {
    const app = await around({
      world,
      place,
      layer: compression(),
      handler: ({ res }) => {
        res.setHeader('Content-Type', 'text/plain');
        res.write(longText);
        Reflect.get(res, 'flush').call(res);
        res.end(longText);
        return 'raw';
      },
    });
    const plain = comparable(await app.plain(zipped));
    expect(comparable(await app.keyed(zipped))).toEqual(plain);
    expect(comparable(await app.keyed(zipped))).toEqual(plain);
  });
});

onExpress('helmet', (world) => {
  it.each(places)('%s sets its headers at first and at replay as without idempotency()', async (place) => {
    const app = await around({ world, place, layer: helmet(), handler: json });
    const plain = comparable(await app.plain());
    expect(plain.headers).toContain('x-content-type-options: nosniff');
    expect(comparable(await app.keyed())).toEqual(plain);
    expect(comparable(await app.keyed())).toEqual(plain);
  });
});

onExpress('cors', (world) => {
  const layer = () => cors({ origin: true, credentials: true });

  it('outside answers each origin by itself, at first and at replay', async () => {
    const app = await around({ world, place: 'outside', layer: layer(), handler: json });
    expect(comparable(await app.keyed(fromOne))).toEqual(comparable(await app.plain(fromOne)));
    const replay = await app.keyed(fromOther);
    expect(replay.headers['access-control-allow-origin']).toBe('https://other.example');
    expect(comparable(replay)).toEqual(comparable(await app.plain(fromOther)));
  });

  it('inside answers the first request, and no replay claims that its origin was allowed', async () => {
    const app = await around({ world, place: 'inside', layer: layer(), handler: json });
    expect(comparable(await app.keyed(fromOne))).toEqual(comparable(await app.plain(fromOne)));
    const replay = await app.keyed(fromOther);
    expect([replay.text, replay.headers.vary]).toEqual([JSON.stringify({ text: longText }), 'Origin']);
    expect(replay.rawHeaders.join()).not.toContain('Access-Control');
  });
});

onExpress('morgan', (world) => {
  it.each([
    ['outside', 'logs every answer', 3],
    ['inside', 'logs what runs', 2],
  ] as const)('%s %s, with its status and length', async (place, _, lines) => {
    const log: string[] = [];
    const stream = { write: (line: string) => void log.push(line.trim()) };
    const layer = morgan(':method :url :status :res[content-length] :res[x-made]', { stream });
    const app = await around({ world, place, layer, handler: () => ({ ...json(), body: 'paid' }) });
    await app.plain();
    await app.keyed();
    await app.keyed();
    await expect.poll(() => log).toEqual(Array(lines).fill('POST /pay 201 4 here'));
  });
});
