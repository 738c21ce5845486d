// Requirement 13: outer and inner middleware of Express works as without idempotency(), for the first response and for
// a replay.
import compression from 'compression';
import cors from 'cors';
import helmet from 'helmet';
import morgan from 'morgan';
import { expect, it } from 'vitest';
import {
  comparableParts,
  longText,
  places,
  startWithMiddleware,
} from '../../packages/testing/src/adapter-suite/support/app-with-layer.js';
import { onEveryFramework } from './framework-matrix.js';
import { isExpress } from './registrations/express.js';

const json = () => ({ status: 201, headers: { 'X-Made': 'here' }, body: { text: longText } });
const fromOne = { headers: { origin: 'https://one.example' } };
const fromOther = { headers: { origin: 'https://other.example' } };
const zipped = { headers: { 'accept-encoding': 'gzip' } };

const onExpress = (title: string, tests: Parameters<typeof onEveryFramework>[1]) =>
  onEveryFramework(title, tests, { only: isExpress });

onExpress('compression', (testbed) => {
  it.each(places)('%s compresses the first response and the replay as without idempotency()', async (place) => {
    const app = await startWithMiddleware({ testbed, place, layer: compression(), handler: json });
    const plain = comparableParts(await app.sendWithoutKey(zipped));
    expect(plain.headers).toContain('content-encoding: gzip');
    expect(comparableParts(await app.sendWithKey(zipped))).toEqual(plain);
    expect(comparableParts(await app.sendWithKey(zipped))).toEqual(plain);
    expect(app.runs()).toBe(2);
  });

  it('outside compresses for each client by its Accept-Encoding', async () => {
    const app = await startWithMiddleware({ testbed, place: 'outside', layer: compression(), handler: json });
    const plain = comparableParts(await app.sendWithoutKey());
    await app.sendWithKey(zipped);
    const replay = await app.sendWithKey();
    expect(replay.headers['idempotent-replayed']).toBe('true');
    expect(comparableParts(replay)).toEqual(plain);
  });

  it.each(places)('%s flushes a streamed response, which is replayed', async (place) => {
    const app = await startWithMiddleware({
      testbed,
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
    const plain = comparableParts(await app.sendWithoutKey(zipped));
    expect(comparableParts(await app.sendWithKey(zipped))).toEqual(plain);
    expect(comparableParts(await app.sendWithKey(zipped))).toEqual(plain);
  });
});

onExpress('helmet', (testbed) => {
  it.each(places)(
    '%s sets its headers on the first response and on the replay as without idempotency()',
    async (place) => {
      const app = await startWithMiddleware({ testbed, place, layer: helmet(), handler: json });
      const plain = comparableParts(await app.sendWithoutKey());
      expect(plain.headers).toContain('x-content-type-options: nosniff');
      expect(comparableParts(await app.sendWithKey())).toEqual(plain);
      expect(comparableParts(await app.sendWithKey())).toEqual(plain);
    },
  );
});

onExpress('cors', (testbed) => {
  const layer = () => cors({ origin: true, credentials: true });

  it('outside handles each origin separately, for the first response and for the replay', async () => {
    const app = await startWithMiddleware({ testbed, place: 'outside', layer: layer(), handler: json });
    expect(comparableParts(await app.sendWithKey(fromOne))).toEqual(comparableParts(await app.sendWithoutKey(fromOne)));
    const replay = await app.sendWithKey(fromOther);
    expect(replay.headers['access-control-allow-origin']).toBe('https://other.example');
    expect(comparableParts(replay)).toEqual(comparableParts(await app.sendWithoutKey(fromOther)));
  });

  it('inside acts on the first request, and no replay claims that its origin was allowed', async () => {
    const app = await startWithMiddleware({ testbed, place: 'inside', layer: layer(), handler: json });
    expect(comparableParts(await app.sendWithKey(fromOne))).toEqual(comparableParts(await app.sendWithoutKey(fromOne)));
    const replay = await app.sendWithKey(fromOther);
    expect([replay.text, replay.headers.vary]).toEqual([JSON.stringify({ text: longText }), 'Origin']);
    expect(replay.rawHeaders.join()).not.toContain('Access-Control');
  });
});

onExpress('morgan', (testbed) => {
  it.each([
    ['outside', 'logs every response', 3],
    ['inside', 'logs what runs', 2],
  ] as const)('%s %s, with its status and length', async (place, _, lines) => {
    const log: string[] = [];
    const stream = { write: (line: string) => void log.push(line.trim()) };
    const layer = morgan(':method :url :status :res[content-length] :res[x-made]', { stream });
    const app = await startWithMiddleware({ testbed, place, layer, handler: () => ({ ...json(), body: 'paid' }) });
    await app.sendWithoutKey();
    await app.sendWithKey();
    await app.sendWithKey();
    await expect.poll(() => log).toEqual(Array(lines).fill('POST /pay 201 4 here'));
  });
});
