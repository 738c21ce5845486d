// A server on Redis whose handlers run four steps, report when each one acts, and stop in the one that the request
// names.

import { start } from '../../../packages/testing/src/adapter-suite/app-server.js';
import type { Handler } from '../../../packages/testing/src/adapter-suite/framework.js';
import { newGate } from '../../../packages/testing/src/adapter-suite/support/gate.js';
import { type Listening, type Settings, type StepAct, stopInStepHeader } from '../16-steps-server-process.js';
import { loadFramework } from '../frameworks.js';
import { openRedisStore } from '../store-kinds.js';

const { prefix, apps }: Settings = JSON.parse(process.argv[2] ?? '');
const { store } = await openRedisStore(prefix);

const handler: Handler = async ({ context, req }) => {
  if (context === undefined) throw new Error('There is no key.');
  const act = async (name: string, options = {}) =>
    await context.step(
      name,
      async ({ key, attempt }) => {
        process.send?.({ request: context.key, step: name, key, attempt } satisfies StepAct);
        if (req.headers[stopInStepHeader] === name) await newGate().opened;
        return `${name} by attempt ${attempt}`;
      },
      options,
    );
  const reserved = await act('reserve');
  const charged = await act('charge');
  const mailed = await act('mail', { atMostOnce: true });
  const shipped = await act('ship');
  return { status: 201, body: { reserved, charged, mailed, shipped } };
};

const ports: number[] = [];
for (const { framework: name, options } of apps) {
  ports.push((await start(await loadFramework(name), { store, options, handler })).port);
}

process.once('disconnect', () => process.exit());
process.send?.({ ports } satisfies Listening);
