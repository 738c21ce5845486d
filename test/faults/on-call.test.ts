// The case that wakes somebody: a server is killed in the middle of a charge. It is noticed, decided and remembered, on real processes.
import { EventEmitter, on, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RecordJson, recordName } from '@onceguard/core';
import { describe, expect } from 'vitest';
import { startChild } from '../adapters/child-process.js';
import { type CommandResult, startOnceguard } from '../cli/run-command.js';
import { type Lab, test } from './lab.js';
import type { Listening, Look, Message, NoticedDoubt, Settings } from './processes/on-call-server.js';
import { startShiftedRedis } from './shifted-clock.js';

const key = 'order-17';
const leaseMs = 2_000;
const monthSeconds = 30 * 86_400;
const name = recordName({ scope: 'shop', key, method: 'POST', path: '/payments' });
const noCompiler = 'Without a C compiler the clock of a Redis cannot be moved.';

/** A server of the service, and what its watch for doubts reports. */
class OnCallServer {
  readonly looks: Look[] = [];
  readonly #reports = new EventEmitter();

  private constructor(
    readonly url: string,
    readonly kill: () => Promise<void>,
  ) {}

  static async start(lab: Lab, settings: Settings): Promise<OnCallServer> {
    const child = await startChild<Listening>('../../faults/processes/on-call-server.ts', settings);
    const server = new OnCallServer(child.firstMessage.url, child.kill);
    lab.onEnd(child.kill);
    child.process.on('message', (message: Message) => server.#receive(message));
    return server;
  }

  #receive(message: Message): void {
    if ('look' in message) {
      this.looks.push(message.look);
      this.#reports.emit('look', message.look);
    }
    if ('doubt' in message) this.#reports.emit('doubt', message.doubt);
  }

  async nextDoubt(): Promise<NoticedDoubt> {
    return (await once(this.#reports, 'doubt'))[0];
  }

  /** Resolves when a look, from now on, sees the record in doubt, or does not. */
  async nextLook(isInDoubt: boolean): Promise<void> {
    for await (const [look] of on(this.#reports, 'look')) if (look.recordNames.includes(name) === isInDoubt) return;
  }

  pay(): Promise<Response> {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
    return fetch(`${this.url}/payments`, { method: 'POST', headers, body: '{"amount":990}' });
  }

  /** The lines of the metrics with this beginning. */
  async metrics(beginning: string): Promise<string[]> {
    const page = await (await fetch(`${this.url}/metrics`)).text();
    return page.split('\n').filter((line) => line.startsWith(beginning));
  }
}

/** A payment provider that never replies: whoever charged does not learn the outcome. */
async function startSilentProvider(lab: Lab) {
  const charges = new EventEmitter();
  const provider = { url: '', count: 0, charged: once(charges, 'charge') };
  const server = createServer(() => {
    provider.count += 1;
    charges.emit('charge');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  lab.onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return provider;
}

describe('A server is killed in the middle of a charge under `payments`:', () => {
  test('another process notices, two people decide and one is first, retries get that answer, and the record says who and why', async ({
    lab,
    skip,
  }) => {
    const redis =
      (await startShiftedRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })) ?? skip(noCompiler);
    lab.onEnd(redis.stop);
    const provider = await startSilentProvider(lab);
    const { prefix } = lab;
    const settings = { redisUrl: redis.server.url, prefix, providerUrl: provider.url, leaseMs };
    const killed = await OnCallServer.start(lab, settings);
    const survivor = await OnCallServer.start(lab, settings);
    const find = async (): Promise<RecordJson> =>
      JSON.parse((await startOnceguard('find', redis.server.url, name, '--prefix', prefix, '--json')).stdout);

    // The first look says that the watch is at work.
    await survivor.nextLook(false);
    const noticed = survivor.nextDoubt();
    const broken = killed.pay().catch(() => 'the connection broke');
    await provider.charged;
    await killed.kill();
    expect(await broken).toBe('the connection broke');
    const { leaseEndAt } = await find();

    expect(await noticed).toEqual({ recordName: name, operation: 'POST /payments', cause: 'abandoned' });
    const after = survivor.looks.filter(({ at }) => at >= Date.parse(String(leaseEndAt)));
    expect(after[0]?.recordNames, 'the first look after the end of the lease sees it').toEqual([name]);
    expect(await survivor.metrics('idempotency_doubts{')).toEqual(['idempotency_doubts{store="redis"} 1']);
    expect(await survivor.metrics('idempotency_events_total{')).toEqual([
      'idempotency_events_total{store="redis",operation="POST /payments",event="outcome_unknown",reason="abandoned"} 1',
    ]);
    expect(await survivor.metrics('idempotency_requests_total{'), 'nobody has tried again').toEqual([]);

    const { winner, late } = await decideAtOnce(lab, redis.server.url, prefix);
    expect(late.status).toBe(2);
    expect(late.stderr).toMatch(
      new RegExp(`${winner} (was first, at .*, and decided|decided at .*) that it happened: seen by ${winner}\\.`),
    );

    const repeat = await survivor.pay();
    const answer = {
      status: repeat.status,
      replayed: repeat.headers.get('idempotent-replayed'),
      body: await repeat.json(),
    };
    expect(answer).toEqual({ status: 201, replayed: 'true', body: { charge: `ch_${winner}` } });
    await survivor.nextLook(false);
    expect(await survivor.metrics('idempotency_doubts{')).toEqual(['idempotency_doubts{store="redis"} 0']);

    redis.shift(monthSeconds);
    const decision = { by: winner, reason: `seen by ${winner}`, as: 'done', at: expect.any(String) };
    expect(await find()).toMatchObject({ state: 'expired', decisions: [decision] });
    expect([(await survivor.pay()).status, provider.count]).toEqual([410, 1]);
  });
});

/** Two people run the command at the same moment, each with an answer of their own. */
async function decideAtOnce(lab: Lab, url: string, prefix: string): Promise<{ winner: string; late: CommandResult }> {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-on-call-'));
  lab.onEnd(() => rmSync(folder, { recursive: true }));
  const people = ['ada', 'ben'];
  const results = await Promise.all(
    people.map((person) => {
      const file = join(folder, `${person}.json`);
      writeFileSync(file, JSON.stringify({ status: 201, body: { charge: `ch_${person}` } }));
      const words = ['--done', '--by', person, '--reason', `seen by ${person}`, '--response', file, '--yes'];
      return startOnceguard('resolve', url, name, '--prefix', prefix, ...words);
    }),
  );
  const at = results.findIndex(({ status }) => status === 0);
  const [winner, late] = [people[at], results[1 - at]];
  if (winner === undefined || late === undefined) throw new Error(`Nobody could decide: ${results[0]?.stderr}`);
  return { winner, late };
}
