// A payments server that a test kills. Its store delays each record, so that a response that does not wait for the
// record would be seen. Plain JavaScript: more than fifty of these are started, and tsx doubles the time of a start.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore } from '@onceguard/core/redis';

const { framework, url, prefix } = JSON.parse(process.argv[2]);

const store = await RedisStore.connect({ url, prefix });
const complete = store.complete.bind(store);
store.complete = async (...args) => {
  await pause(10 + 20 * Math.random());
  return await complete(...args);
};

const receipt = () => `paid by ${process.pid}: ${randomUUID()}`;

/** Its head and first bytes are sent before it ends. */
function respondStreaming(res) {
  res.statusCode = 200;
  res.flushHeaders();
  res.write('receipt: ');
  res.end(receipt());
}

async function expressListener(name) {
  const { default: express } = await import(name);
  const { idempotency } = await import('@onceguard/express');
  const app = express();
  app.post('/held', idempotency({ store, scope: 'public' }), (_req, res) => void res.send(receipt()));
  app.post('/flowing', idempotency({ store, scope: 'public' }), (_req, res) => respondStreaming(res));
  return app;
}

async function koaListener(name) {
  const { default: Koa } = await import(name);
  const { idempotency } = await import('@onceguard/koa');
  const app = new Koa();
  app.use(idempotency({ store, scope: 'public' }));
  app.use((ctx) => {
    if (ctx.path === '/held') ctx.body = receipt();
    else respondStreaming(ctx.res);
    ctx.respond = ctx.path === '/held';
  });
  return app.callback();
}

const listeners = {
  'Express 4': () => expressListener('express4'),
  'Express 5': () => expressListener('express'),
  'Koa 2': () => koaListener('koa2'),
  'Koa 3': () => koaListener('koa'),
};

const server = createServer(await listeners[framework]()).listen(0, '127.0.0.1', () => {
  process.send({ port: server.address().port });
});
process.once('disconnect', () => process.exit());
