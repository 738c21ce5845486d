// A shop with a checkout page that charges once, whatever happens on the way. In the folder examples, after npm run build:
//
//   PORT=3000 npx tsx checkout/server.ts
//
// Then open http://localhost:3000/?order=1. Lose an answer, reload, press twice, open a second tab, go offline, stop this program in the middle
// of a payment and start it again: the page shows how often the customer was charged.
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { idempotency, idempotencyOf, keepRawBody } from '@onceguard/express';
import { SqliteStore } from '@onceguard/sqlite';
import express, { type NextFunction, type Request, type Response } from 'express';
import { openProvider } from './provider.js';

const data = process.env.CHECKOUT_DATA ?? join(tmpdir(), 'onceguard-checkout');
mkdirSync(data, { recursive: true });
const store = await SqliteStore.open(join(data, 'records.db'));
const provider = openProvider(join(data, 'charges.jsonl'));
const port = Number(process.env.PORT ?? 3000);

/** What the buttons of the page do to the next payment. */
const mischief = { losesAnswer: false, workMs: 0 };

const app = express();
app.use(express.static(fileURLToPath(new URL('page', import.meta.url))));
// The browser loads the modules of the package as they are; the page names them in its import map.
app.use('/client', express.static(fileURLToPath(new URL('.', import.meta.resolve('@onceguard/client')))));

/** For a shop whose page has another origin than its API. A browser hides every header of an answer that is not exposed. */
app.use((req: Request, res: Response, next: NextFunction) => {
  res.set('Access-Control-Allow-Origin', process.env.SHOP_ORIGIN ?? 'http://localhost:3000');
  res.set('Access-Control-Expose-Headers', 'Retry-After, Idempotent-Replayed, Idempotency-Recorded');
  if (req.method !== 'OPTIONS') return next();
  res.set('Access-Control-Allow-Headers', 'Content-Type, Idempotency-Key').set('Access-Control-Max-Age', '600');
  res.status(204).end();
});

app.use(express.json({ verify: keepRawBody }));

app.post(
  '/payments',
  loseAnswer,
  // One shopper. A real shop returns the id of the one who is signed in.
  idempotency({ store, scope: () => 'customer_1', required: true, leaseMs: 3_000 }),
  async (req, res) => {
    const { deriveKey } = idempotencyOf(req);
    const { order, amount, card } = req.body;
    if (card === 'declined') {
      res.status(402).json({ error: 'The card was declined.' });
      return;
    }
    await pause(mischief.workMs);
    // The provider knows the derived key, so a run that begins after a crash does not charge again.
    res.status(201).json(await provider.charge({ order, amount }, deriveKey('charge')));
  },
);

app.get('/charges', (req, res) => void res.json(provider.chargesOf(String(req.query.order))));

app.post('/mischief', (req, res) => {
  const { losesAnswer = false, workMs = 0, downMs = 0 } = req.body;
  Object.assign(mischief, { losesAnswer, workMs });
  res.status(204).end();
  if (downMs > 0) void goDown(downMs);
});

/** The payment is made and recorded, and the connection breaks before a byte of its answer is sent. */
function loseAnswer(req: Request, res: Response, next: NextFunction): void {
  if (mischief.losesAnswer) {
    mischief.losesAnswer = false;
    res.write = () => true;
    res.end = () => {
      req.socket.destroy();
      return res;
    };
  }
  next();
}

/** Nobody can connect, and all connections are cut. */
async function goDown(ms: number): Promise<void> {
  server.close();
  server.closeAllConnections();
  await pause(ms);
  server = listen();
}

function listen(): Server {
  const listening = app.listen(port, () => {
    const address = listening.address();
    console.log(`Listening on port ${typeof address === 'object' ? address?.port : address}`);
  });
  return listening;
}

let server = listen();
