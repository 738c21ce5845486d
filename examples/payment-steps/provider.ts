// A payment provider such as Stripe: honours Idempotency-Key, finds a charge by its key, and fails on demand.
// Part of main.ts; on its own, in the folder examples: PORT=4000 npx tsx payment-steps/provider.ts
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import express from 'express';
import { listen, type RunningServer } from './listen.js';

export interface Charge {
  readonly id: string;
  readonly order: string;
  readonly cents: number;
  status: 'pending' | 'succeeded';
}

/**
 * What happens to the next charge. `lose-response`: it succeeds, and the connection breaks. `time-out`: it is pending for
 * longer than anybody waits for the response, and then succeeds.
 */
export type Fault = 'lose-response' | 'time-out';

export async function startProvider(port = 0): Promise<RunningServer> {
  const charges = new Map<string, Charge>();
  let fault: Fault | null = null;

  const app = express();
  app.use(express.json());

  app.post('/charges', async (req, res) => {
    const key = req.get('Idempotency-Key') ?? randomUUID();
    const known = charges.get(key);
    if (known !== undefined) {
      res.status(known.status === 'pending' ? 409 : 200).json(known);
      return;
    }
    const charge: Charge = { id: `ch_${charges.size + 1}`, ...req.body, status: 'succeeded' };
    charges.set(key, charge);
    const now = fault;
    fault = null;
    if (now === 'lose-response') {
      req.socket.destroy();
      return;
    }
    if (now === 'time-out') {
      charge.status = 'pending';
      await pause(2_500);
      charge.status = 'succeeded';
    }
    res.status(201).json(charge);
  });

  app.get('/charges', (req, res) => {
    const { key, order } = req.query;
    const found = [...charges].filter(([itsKey, charge]) => itsKey === key || charge.order === order);
    res.json(found.map(([, charge]) => charge));
  });

  app.put('/fault', (req, res) => {
    fault = req.body.next;
    res.sendStatus(204);
  });

  return await listen(app, port);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await startProvider(Number(process.env.PORT ?? 4000));
  console.log(`The payment provider listens on port ${new URL(url).port}`);
}
