// Requirement 9: once a client has seen a complete response, a second process can replay it.
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Framework } from '../../packages/testing/src/adapter-suite/framework.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { redisUrl } from '../support/redis.js';
import { type ChildProgram, startChild } from './child-process.js';
import { isRepresentative } from './frameworks.js';
import { frameworks as loaded } from './loaded-frameworks.js';

const frameworks = loaded.filter(isRepresentative);
/** Processes that load a framework start slowly on a busy machine. */
const timeoutMs = 240_000;

type Listening = { readonly port: number };
type Server = ChildProgram<Listening>;

/** What a client has seen when the server is killed. */
interface Trial {
  readonly path: string;
  isSeen(text: string): boolean;
}

const firstByte: Trial = { path: '/held', isSeen: (text) => text.length > 0 };
const endOfStream: Trial = { path: '/flowing', isSeen: (text) => text.endsWith('\r\n0\r\n\r\n') };

/** Each takes a process. That of node:http starts quickly, so most are there; every framework has each kind once. */
function trialsFor({ name, lacks }: Framework): Trial[] {
  const held = Array.from({ length: name === 'node:http' ? 6 : 1 }, () => firstByte);
  return 'streaming' in lacks ? held : [...held, endOfStream];
}

describe.each(frameworks)('Nothing is sent before it is on record ($name, Redis)', (framework) => {
  test(
    'No complete response reaches a client before its record is acknowledged: the process is killed as the first byte arrives, or the end of a stream, and the next process replays',
    async () => await killAndReplay(framework.name, trialsFor(framework)),
    timeoutMs,
  );
});

/** Every server replays for the one before it, and is then killed itself. */
async function killAndReplay(name: string, trials: readonly Trial[]): Promise<void> {
  const settings = { url: redisUrl(), prefix: `test:${randomUUID()}:` };
  const key = (index: number): string => `payment-${index}`;
  let index = 0;
  let killed: Server | null = null;
  for await (const server of startedAhead(trials.length + 1, () =>
    startChild<Listening>('slow-recording-server.ts', settings, { FRAMEWORKS: name }),
  )) {
    if (killed !== null) {
      const { path = '' } = trials[index] ?? {};
      const replay = await send(server.firstMessage.port, { method: 'POST', path, key: key(index) });
      expect(replay).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' } });
      expect(replay.text).toContain(`paid by ${killed.pid}:`);
      index += 1;
    }
    const trial = trials[index];
    if (trial === undefined) await server.kill();
    else await killWhenReceived(server, trial, key(index));
    killed = server;
  }
  expect(index).toBe(trials.length);
}

/** Yields one server after another and starts the next two meanwhile: a start takes longer than a trial. */
async function* startedAhead<T>(count: number, start: () => Promise<T>): AsyncGenerator<T> {
  const coming: Promise<T>[] = [];
  for (let started = 0; started < count || coming.length > 0; started += 1) {
    if (started < count) coming.push(start());
    if (started >= 2) for (const first of coming.splice(0, 1)) yield await first;
  }
}

async function killWhenReceived(server: Server, { path, isSeen }: Trial, key: string): Promise<void> {
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
