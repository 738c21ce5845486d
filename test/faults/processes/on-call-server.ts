// One server of a payments API that watches for doubts and shows metrics, as every process of a service should. It reports what its
// watch sees.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onEvent, watchDoubts } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { RedisStore } from '@onceguard/core/redis';
import type { ScanRequest } from '@onceguard/core/store';
import { idempotency, idempotencyOf } from '@onceguard/express';
import { registerIdempotencyMetrics } from '@onceguard/prometheus';
import express from 'express';
import { register } from 'prom-client';
import { overrideVerbs } from '../../../packages/testing/src/adapter-suite/support/override-verbs.js';

export interface Settings {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly providerUrl: string;
  readonly leaseMs: number;
}

/** The first message. */
export interface Listening {
  readonly url: string;
}

/** A message: what the watch saw in the store, at which time of the store. */
export interface Look {
  readonly at: number;
  readonly recordNames: readonly string[];
}

/** A message: the event `outcome_unknown`. */
export interface NoticedDoubt {
  readonly recordName: string;
  readonly operation: string | null;
  readonly cause: string;
}

export type Message = Listening | { readonly look: Look } | { readonly doubt: NoticedDoubt };

const send = (message: Message) => process.send?.(message);

const { redisUrl, prefix, providerUrl, leaseMs }: Settings = JSON.parse(process.argv[2] ?? '');
const store = await RedisStore.connect({ url: redisUrl, prefix });
registerIdempotencyMetrics();

const app = express();
const guard = idempotency({ ...httpPaymentPolicy, store, scope: () => 'shop', leaseMs });
app.post('/payments', express.json(), guard, async (req, res) => {
  const headers = { 'Idempotency-Key': idempotencyOf(req).deriveKey('charge') };
  const charged = await fetch(providerUrl, { method: 'POST', headers });
  res.status(201).json(await charged.json());
});
app.get('/metrics', async (_req, res) => {
  res.type(register.contentType).send(await register.metrics());
});

const server = createServer(app).listen(0, '127.0.0.1');
await once(server, 'listening');
process.once('disconnect', () => process.exit());
send({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

onEvent('outcome_unknown', ({ recordName, operation, cause }) => send({ doubt: { recordName, operation, cause } }));
watchDoubts(
  overrideVerbs(store, {
    scan: async (request: ScanRequest) => {
      const page = await store.scan(request);
      send({ look: { at: page.now, recordNames: page.records.map(({ key }) => key) } });
      return page;
    },
  }),
);
