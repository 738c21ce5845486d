// Requirement 9: once a client has seen a complete response, a second process can replay it.
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { type ChildProgram, startChild } from './child-process.js';
import { frameworks } from './frameworks.js';
import { send } from './http-client.js';

/** With four frameworks a little over 50. */
const trials = 13;
const trialsFlowing = 2;

type Listening = { readonly port: number };
type Server = ChildProgram<Listening>;

describe.each(frameworks)('Nothing is sent before it is on record ($name, Redis)', ({ name }) => {
  test('No complete response reaches a client before its record is acknowledged: the process is killed as the first byte arrives, a second process replays', async () => {
    await killAndReplay({ name, path: '/held', times: trials, isSeen: (text) => text.length > 0 });
  });

  test('The same for a streamed response: the process is killed as its end arrives', async () => {
    await killAndReplay({
      name,
      path: '/flowing',
      times: trialsFlowing,
      isSeen: (text) => text.endsWith('\r\n0\r\n\r\n'),
    });
  });
});

interface Trials {
  readonly name: string;
  readonly path: string;
  readonly times: number;
  /** Whether the client has seen enough for the server to be killed. */
  isSeen(text: string): boolean;
}

/** Every server replays for the one before it, and is then killed itself. */
async function killAndReplay({ name, path, times, isSeen }: Trials): Promise<void> {
  const settings = { framework: name, url: redisUrl(), prefix: `test:${randomUUID()}:` };
  const key = (trial: number): string => `payment-${trial}`;
  let trial = 0;
  let killed: Server | null = null;
  for await (const server of startedAhead(times + 1, () =>
    startChild<Listening>('slow-recording-server.mjs', settings),
  )) {
    if (killed !== null) {
      const replay = await send(server.firstMessage.port, { method: 'POST', path, key: key(trial) });
      expect(replay).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' } });
      expect(replay.text).toContain(`paid by ${killed.pid}:`);
      trial += 1;
    }
    await killWhenReceived(server, path, key(trial), isSeen);
    killed = server;
  }
  expect(trial).toBe(times);
}

/** Yields one server after another and starts the next two meanwhile: a start takes longer than a trial. */
async function* startedAhead<T>(count: number, start: () => Promise<T>): AsyncGenerator<T> {
  const coming: Promise<T>[] = [];
  for (let started = 0; started < count || coming.length > 0; started += 1) {
    if (started < count) coming.push(start());
    if (started >= 2) for (const first of coming.splice(0, 1)) yield await first;
  }
}

async function killWhenReceived(
  server: Server,
  path: string,
  key: string,
  isSeen: (text: string) => boolean,
): Promise<void> {
  const socket = connect(server.firstMessage.port, '127.0.0.1').setEncoding('latin1');
  let text = '';
  const killed = new Promise<void>((resolve) => {
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (isSeen(text)) resolve(server.kill());
    });
    socket.on('close', resolve).on('error', () => {});
  });
  socket.write(`POST ${path} HTTP/1.1\r\nHost: here\r\nIdempotency-Key: ${key}\r\nContent-Length: 0\r\n\r\n`);
  await killed;
  expect(text).toSatisfy(isSeen);
}
