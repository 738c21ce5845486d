// wrong-tls-names.mjs <port> <CA file> <which ioredis>: clients that connect to a cluster by an address that its
// certificates do not name, and are closed while they connect. Exits with 0 if no error was left unhandled.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore, safeClusterOptions } from '@onceguard/core/redis';

const [port, caPath, ioredis] = process.argv.slice(2);
const { Cluster } = createRequire(import.meta.url)(ioredis);
const host = '127.0.0.1';
const tls = { ca: readFileSync(caPath) };
const dnsLookup = (_name, callback) => callback(null, host);
const startup = [{ host: 'localhost', port: Number(port) }];

const own = await RedisStore.connect({ cluster: startup, tls, dnsLookup, connectTimeoutMs: 500 });
const single = await RedisStore.connect({ host, port: Number(port), tls, connectTimeoutMs: 500 });
own.onAttemptEnded(() => {});
single.onAttemptEnded(() => {});

const safe = safeClusterOptions();
for (const options of [
  { lazyConnect: true, redisOptions: { tls } },
  { ...safe, redisOptions: { ...safe.redisOptions, tls } },
]) {
  const cluster = new Cluster(startup, { ...options, dnsLookup }).on('error', () => {});
  const store = new RedisStore({ client: cluster });
  cluster.connect().catch(() => {});
  await pause(500);
  await store.read('a').catch(() => {});
  await store.check();
  cluster.disconnect();
}

// At every moment of a handshake.
for (let ms = 0; ms < 20; ms += 1) {
  const connecting = RedisStore.connect({ host, port: Number(port), tls, connectTimeoutMs: 1 + ms });
  await (await connecting).close();
}
await Promise.all([own.close(), single.close()]);
console.log('done');
