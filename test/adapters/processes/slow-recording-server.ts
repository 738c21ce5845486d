// A payments server that a test kills. Its store delays each record, so that a response that does not wait for the
// record would be seen.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore } from '@onceguard/core/redis';
import { start } from '../../../packages/testing/src/adapter-suite/app-server.js';
import type { Handler } from '../../../packages/testing/src/adapter-suite/framework.js';
import { frameworks } from '../loaded-frameworks.js';

const { url, prefix }: { url: string; prefix: string } = JSON.parse(process.argv[2] ?? '');

const store = await RedisStore.connect({ url, prefix });
const complete = store.complete.bind(store);
store.complete = async (...args) => {
  await pause(10 + 20 * Math.random());
  return await complete(...args);
};

/** Below `/flowing` its head and first bytes are sent before it ends. */
const handler: Handler = ({ req }) => {
  const receipt = `paid by ${process.pid}: ${randomUUID()}`;
  if (req.url === '/held') return { body: receipt };
  return { headers: { 'Content-Type': 'text/event-stream' }, body: Readable.from(['receipt: ', receipt]) };
};

const [framework] = frameworks;
if (framework === undefined) throw new Error('FRAMEWORKS names none over HTTP/1.');
const { port } = await start(framework, { store, handler });
process.once('disconnect', () => process.exit());
process.send?.({ port });
