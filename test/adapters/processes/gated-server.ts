// A server on Redis whose handlers report when they begin and respond when told to: one application per entry.
import { start } from '../../../packages/testing/src/adapter-suite/app-server.js';
import type { Options } from '../../../packages/testing/src/adapter-suite/framework.js';
import { newGate } from '../../../packages/testing/src/adapter-suite/support/gate.js';
import { loadFramework } from '../frameworks.js';
import { openRedisStore } from '../store-kinds.js';

export interface Settings {
  readonly prefix: string;
  readonly apps: readonly { readonly framework: string; readonly options: Options }[];
}

export interface Listening {
  readonly ports: readonly number[];
}

/** A message: a handler has begun. */
export interface Began {
  readonly key: string;
  readonly attempt: number;
  readonly takeover: boolean;
}

/** A message: the handler of this key must respond now. */
export interface Finish {
  readonly finish: string;
}

const { prefix, apps }: Settings = JSON.parse(process.argv[2] ?? '');
const { store } = await openRedisStore(prefix);
const gates = new Map<string, ReturnType<typeof newGate>>();

function gateOf(key: string) {
  const gate = gates.get(key) ?? newGate();
  gates.set(key, gate);
  return gate;
}

const ports: number[] = [];
for (const { framework: name, options } of apps) {
  const app = await start(await loadFramework(name), {
    store,
    options,
    handler: async ({ context }) => {
      const { key = '', attempt = 0, takeover = false } = context ?? {};
      process.send?.({ key, attempt, takeover } satisfies Began);
      await gateOf(key).opened;
      return { status: 201, body: { paidBy: process.pid, attempt } };
    },
  });
  ports.push(app.port);
}

process.on('message', ({ finish }: Finish) => gateOf(finish).open());
process.once('disconnect', () => process.exit());
process.send?.({ ports } satisfies Listening);
