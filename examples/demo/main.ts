// npm run demo: starts a payments API, plays the scenes against it with real requests, and prints what happened.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { paymentsApi } from './api.js';
import { type Bank, startBank } from './bank.js';
import { printCurlLines, printScene, usage } from './console-output.js';
import { killedServerScene } from './killed-server.js';
import { type Scene, scenes } from './scenes.js';

interface Arguments {
  readonly redis: string | undefined;
  readonly serve: boolean;
}

const args = readArguments();
if (args !== null) await main(args);

function readArguments(): Arguments | null {
  try {
    const options = { redis: { type: 'string' }, serve: { type: 'boolean' }, help: { type: 'boolean' } } as const;
    const { values } = parseArgs({ options });
    if (values.help !== true) return { redis: values.redis, serve: values.serve === true };
    console.log(usage);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exitCode = 2;
  }
  return null;
}

async function main({ redis, serve }: Arguments): Promise<void> {
  // A prefix of its own, so that every run starts without earlier payments.
  const prefix = `onceguard-demo:${randomUUID()}:`;
  const store = await openStore(redis, prefix);
  if (store === null) return;
  const bank = await startBank();
  const server = paymentsApi(store, bank.url).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/payments`;

  const all = redis === undefined ? scenes : [...scenes, killedServerScene(redis, prefix)];
  const allHeld = await runScenes(all, url, bank);
  if (!allHeld) process.exitCode = 1;
  if (serve) {
    printCurlLines(url);
    await once(process, 'SIGINT');
  }
  server.closeAllConnections();
  server.close();
  await bank.close();
  await store.close();
}

async function openStore(redis: string | undefined, prefix: string): Promise<IdempotencyStore | null> {
  if (redis === undefined) return new MemoryStore();
  const store = await RedisStore.connect({ url: redis, prefix });
  try {
    await store.read('startup');
    return store;
  } catch (error) {
    console.error(`Redis does not answer at ${redis}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
    await store.close();
    return null;
  }
}

async function runScenes(all: readonly Scene[], url: string, bank: Bank): Promise<boolean> {
  let allHeld = true;
  for (const [index, scene] of all.entries()) {
    const seen = await scene.run({ url, bank });
    const charged = bank.takeCount();
    const held = seen.isAsExpected && charged === scene.charges;
    printScene(index + 1, scene, seen, charged, held);
    allHeld &&= held;
  }
  console.log(allHeld ? '\nEvery payment was charged once.\n' : '\nSomething is wrong: see the lines marked with ✗.\n');
  return allHeld;
}
