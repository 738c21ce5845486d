// Raw requests on a socket: a server with the middleware accepts and rejects what one without it does, runs a key once,
// and survives.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { MemoryStore } from '@onceguard/core';
import { idempotency, keepRawBody } from '@onceguard/express';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { Random } from '../model/seeded-random.js';
import { damageBytes, type FuzzTarget } from './target.js';

const fragments = [
  '\r\n',
  '\n',
  '\r',
  ': ',
  ' ',
  '"',
  ',',
  '\0',
  '\xe9',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Idempotency-Key: k\r\n',
  'Expect: 100-continue\r\n',
  '0\r\n\r\n',
  '/pay',
  'HTTP/1.1',
  'HTTP/1.0',
];
const bodies = [
  '',
  '{"amount":10}',
  '{ "amount": 10 }',
  'amount=10',
  '5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
  '{"amount":',
];
/** After this a connection counts as one that does not end after its client has sent everything. */
const closeLimitMs = 5_000;

export async function rawRequests(): Promise<FuzzTarget> {
  const bare = await startServer(false);
  const guarded = await startServer(true);
  return {
    name: 'requests',
    draw: (random: Random) => requestFrom(random),
    async check(input: Buffer): Promise<string | null> {
      guarded.reset();
      bare.reset();
      await exchange(bare.port, input);
      for (let time = 0; time < 2; time++) await exchange(guarded.port, input);
      const twice = guarded.runTwice();
      if (twice !== undefined) return `it ran twice: ${twice}`;
      // How Node reads the first request. Whether it reads what follows on the connection may depend on the response.
      const [plain] = bare.reached();
      const [first] = guarded.reached();
      return plain === first ? null : `Node reads ${plain} without the middleware, and ${first} with it`;
    },
    async close() {
      for (const { close } of [bare, guarded]) await close();
    },
  };
}

function requestFrom(random: Random): Buffer {
  const body = random.pick(bodies);
  const framing = random.pick([
    `Content-Length: ${body.length}`,
    'Transfer-Encoding: chunked',
    `Content-Length: ${random.integer(0, 20)}`,
  ]);
  const type = random.pick(['application/json', 'application/x-www-form-urlencoded', 'text/plain', '']);
  const key = random.pick(['k', '"k"', '"a b"', 'a,b', '', '"', 'k'.repeat(300)]);
  const head = [
    `${random.pick(['POST', 'PATCH', 'GET', 'PUT'])} ${random.pick(['/pay', '/pay?a=1', '/pay/%zz', '//pay', '*'])} HTTP/1.1`,
    'Host: here',
    framing,
    `Content-Type: ${type}`,
    `Idempotency-Key: ${key}`,
  ];
  const whole = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  const bytes = random.chance(0.3) ? Buffer.concat([whole, whole]) : whole;
  return random.chance(0.7) ? damageBytes(bytes, random, fragments) : bytes;
}

async function startServer(isGuarded: boolean) {
  let store = new MemoryStore();
  let runs = new Map<string, number>();
  let reached: string[] = [];
  const app = express();
  app.set('env', 'test');
  app.use((req: Request, _res: Response, next: NextFunction) => {
    reached.push(`${req.method} ${req.url}`);
    next();
  });
  app.use(express.json({ verify: keepRawBody }), express.urlencoded({ extended: true }), express.text());
  if (isGuarded) app.use((req, res, next) => idempotency({ store, scope: 'public' })(req, res, next));
  app.all(/.*/, (req: Request, res: Response) => {
    const key = req.idempotency?.key;
    const name = `${req.method} ${req.originalUrl.split('?', 1)} ${key}`;
    if (key !== undefined) runs.set(name, (runs.get(name) ?? 0) + 1);
    res.status(201).json({ paid: true });
  });
  // A client that has sent everything still gets its responses.
  const server = Object.assign(createServer(app), { httpAllowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    reset() {
      store = new MemoryStore();
      runs = new Map();
      reached = [];
    },
    reached: () => reached,
    runTwice: () => [...runs].find(([, count]) => count > 1)?.[0],
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Sends the bytes, and waits until the server has closed the connection. */
async function exchange(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1').setTimeout(closeLimitMs);
  socket.on('timeout', () => socket.destroy()).on('error', () => {});
  socket.resume().end(bytes);
  await once(socket, 'close');
}
