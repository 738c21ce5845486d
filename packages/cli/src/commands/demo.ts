// onceguard demo: starts a payments API, plays the scenes against it with real requests, and prints what happened.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IdempotencyStore } from '@onceguard/core';
import { parseCommand } from '../arguments.js';
import { type PaymentsApi, startPaymentsApi } from '../demo/api.js';
import { type Bank, startBank } from '../demo/bank.js';
import { printCurlLines, printInspector, printScene, usage } from '../demo/console-output.js';
import { createDemoStore } from '../demo/demo-store.js';
import { killedServerScenes } from '../demo/killed-server.js';
import { type Scene, scenes } from '../demo/scenes.js';
import { exitStatus } from '../exit-status.js';
import { serveInspector } from '../inspector-server.js';
import { printLine } from '../terminal.js';
import { UsageError } from '../usage-error.js';

const options = { redis: { type: 'string' }, serve: { type: 'boolean', default: false } } as const;

export async function runDemo(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, options, usage);
  if (values.help) {
    printLine(usage);
    return exitStatus.fine;
  }
  if (positionals.length > 0) throw new UsageError(`demo takes options alone.\n\n${usage}`);
  // A prefix of its own, so that every run starts without earlier payments.
  const prefix = `onceguard-demo:${randomUUID()}:`;
  const { store, location, close } = await createDemoStore(values.redis, prefix);
  try {
    await store.read('startup');
    const killed = location === null ? [] : killedServerScenes(location, prefix);
    return await play(store, [...scenes, ...killed], values.serve);
  } finally {
    await close();
  }
}

async function play(store: IdempotencyStore, all: readonly Scene[], serve: boolean): Promise<number> {
  const bank = await startBank();
  const api = await startPaymentsApi(store, bank.url);
  const inspector = serve ? await serveInspector({ store, name: 'you', port: 0, readOnly: false }) : null;
  const allHeld = await playScenes(all, api, bank);
  if (inspector !== null) {
    printInspector(inspector.url);
    printCurlLines(api.url);
    await once(process, 'SIGINT');
    await inspector.close();
  }
  await api.close();
  await bank.close();
  return allHeld ? exitStatus.fine : exitStatus.found;
}

async function playScenes(all: readonly Scene[], { url, transfersUrl }: PaymentsApi, bank: Bank): Promise<boolean> {
  let allHeld = true;
  for (const [index, scene] of all.entries()) {
    const seen = await scene.run({ url, transfersUrl, bank });
    const charged = bank.takeCount();
    const held = seen.isAsExpected && charged === scene.charges;
    printScene(index + 1, scene, seen, charged, held);
    allHeld &&= held;
  }
  printLine(allHeld ? '\nEvery payment was charged once.\n' : '\nSomething is wrong: see the lines marked with ✗.\n');
  return allHeld;
}
