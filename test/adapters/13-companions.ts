// Other middleware outside and inside of idempotency(): one app, asked without a key, then with one, then again.
import { gunzipSync } from 'node:zlib';
import { type Received, type Sent, send } from './client.js';
import type { AppSpec, Handler, Options } from './frameworks.js';
import type { World } from './matrix.js';
import { essence } from './replay.js';

export type Place = 'outside' | 'inside';
export const places: readonly Place[] = ['outside', 'inside'];

export const longText = 'A text that is long enough to be worth compressing. '.repeat(100);

export interface Companions {
  readonly world: World;
  readonly place: Place;
  readonly layer: unknown;
  readonly handler: Handler;
  readonly options?: Options;
}

export interface Around {
  /** As the application answers without idempotency. */
  plain(sent?: Sent): Promise<Received>;
  keyed(sent?: Sent): Promise<Received>;
  /** How often the handler ran. */
  runs(): number;
}

export async function around({ world, place, layer, handler, options = {} }: Companions): Promise<Around> {
  let runs = 0;
  const spec: AppSpec = {
    store: (await world.openStore()).store,
    options,
    [place === 'outside' ? 'outer' : 'inner']: [layer],
    handler: async (call) => {
      runs += 1;
      return await handler(call);
    },
  };
  const { port } = await world.start(spec);
  return {
    plain: async (sent = {}) => await send(port, sent),
    keyed: async (sent = {}) => await send(port, { key: 'k', ...sent }),
    runs: () => runs,
  };
}

/** What compression must not change. */
function unzipped(received: Received): string {
  return (received.headers['content-encoding'] === 'gzip' ? gunzipSync(received.body) : received.body).toString();
}

/** All but framing and what compression made of the bytes, which may differ from one run to the next. */
export function comparable(received: Received) {
  return { ...essence(received), body: unzipped(received) };
}
